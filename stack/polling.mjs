import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks until the answer is true, a condition that throws counting as not yet.
 *
 * @param {() => unknown} condition
 * @param {{ deadlineMs: number, everyMs?: number, waitingFor: string, unless?: () => Error | undefined }} options
 * @throws Error that names what was waited for and the last reason; at once when `unless` gives one
 */
export async function until(condition, { deadlineMs, everyMs = 20, waitingFor, unless }) {
  const deadline = Date.now() + deadlineMs;
  let reason = '';
  for (;;) {
    const hopeless = unless?.();
    if (hopeless) throw hopeless;
    try {
      if (await condition()) return;
    } catch (error) {
      reason = `: ${error.message}`;
    }
    if (Date.now() > deadline) throw new Error(`${waitingFor} took more than ${deadlineMs / 1000} s${reason}`);
    await pause(everyMs);
  }
}
