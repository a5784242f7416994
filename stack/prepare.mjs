// Installs the npm packages and builds, where that has not been done yet.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { projectFolder } from './places.mjs';
import { run, toStderr, withProgress } from './progress.mjs';

const lockFile = join(projectFolder, 'package-lock.json');
const installedFile = join(projectFolder, 'node_modules', '.package-lock.json');
const builtFile = join(projectFolder, 'dist', '.built');

/**
 * Brings `node_modules` and `dist` up to date. Safe to call from several processes at once.
 *
 * @param {{ build?: boolean, log?: (line: string) => void }} [options]
 */
export async function prepare({ build = true, log = toStderr } = {}) {
  if (isInstalled() && (!build || isBuilt())) return;
  const lock = `prepare-${createHash('sha256').update(projectFolder).digest('hex').slice(0, 12)}`;
  const waits = (pid) => log(`waiting for process ${pid}, which is installing or building`);
  await withLock(
    lock,
    async () => {
      if (!isInstalled()) await install(log);
      if (build && !isBuilt()) await compile(log);
    },
    waits,
  );
}

/** npm keeps a copy of the lock file beside what it installed. */
function isInstalled() {
  if (!existsSync(installedFile)) return false;
  if (statSync(installedFile).mtimeMs >= statSync(lockFile).mtimeMs) return true;
  // Git gives the file a new time even where it brings the same content.
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    return path === '' || installed[path]?.version === version || (optional && !installed[path]);
  });
}

async function install(log) {
  await withProgress('installing npm packages', log, () =>
    run('npm', ['ci', '--include=dev'], { cwd: projectFolder, shown: true }),
  );
}

/** Whether the last build that succeeded began after the last change to what it is made from. */
function isBuilt() {
  if (!existsSync(builtFile)) return false;
  const builtAt = statSync(builtFile).mtimeMs;
  return sources().every((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs < builtAt);
}

/** Folders too: their time tells that a file was removed. */
function sources() {
  const inFolders = ['src', 'migrations'].flatMap((name) => {
    const folder = join(projectFolder, name);
    if (!existsSync(folder)) return [];
    return [folder, ...readdirSync(folder, { recursive: true }).map((path) => join(folder, path))];
  });
  const settings = readdirSync(projectFolder).filter((name) => /^(tsconfig.*|package)\.json$/.test(name));
  return [...inFolders, ...settings.map((name) => join(projectFolder, name))];
}

async function compile(log) {
  const begin = new Date();
  const npm = ['run', 'build'];
  await withProgress('building', log, () => run('npm', npm, { cwd: projectFolder, shown: true }));
  // Written last: what a build that failed leaves behind does not count. It bears the time of the beginning, so that
  // what was edited meanwhile is built again.
  writeFileSync(builtFile, '');
  utimesSync(builtFile, begin, begin);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await prepare({ build: !process.argv.includes('--no-build') });
  } catch (error) {
    toStderr(error.message);
    process.exitCode = 1;
  }
}
