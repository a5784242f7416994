const LOOK_EVERY_MS = 500;

/**
 * Ends this process when its parent has ended, which a kill tells nobody: it shows in our having a new parent. By
 * SIGKILL, because Vitest keeps `process.exit` for itself; servers and Workers are ended by their watchdogs.
 */
export function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, LOOK_EVERY_MS).unref();
}
