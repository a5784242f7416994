import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Watchdog } from '../../stack/watchdog.mjs';

let watchdog: Watchdog | undefined;

/**
 * The process, and all that descends from it, ends with this one. An exit handler would not do: none runs when a test run
 * is killed.
 *
 * @param quitSignal what it gets first, if it has something to take down itself
 */
export function leash(child: ChildProcess, quitSignal?: NodeJS.Signals): void {
  const { pid } = child;
  if (pid === undefined) return; // it was not started
  watchdog ??= new Watchdog(mkdtempSync(join(tmpdir(), 'leash-')));
  watchdog.watch(pid, quitSignal);
  child.once('exit', () => watchdog?.forget(pid));
}
