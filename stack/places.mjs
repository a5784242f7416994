// Where the stack finds and keeps things.
import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/**
 * The folder, of this user alone, for what is costly to make and the same for every stack. Falls back to the temporary
 * folder where the home folder cannot be written (containers with a user that has none).
 */
export function cacheFolder() {
  const wished = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'click-worker');
  const fallback = join(tmpdir(), `click-worker-cache-${userInfo().uid}`);
  for (const folder of [wished, fallback]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // the next one
    }
  }
  throw new Error(`no folder to keep downloads in: ${wished} cannot be written; set XDG_CACHE_HOME to one that can`);
}

/** The path of a program on PATH, or undefined. @param {string} program */
export function onPath(program) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // the next one
    }
  }
  return undefined;
}
