import { setTimeout as pause } from 'node:timers/promises';

/** Looks until `condition` holds; nothing is waited for longer than it takes. Throws at the deadline, with what was awaited. */
export async function eventually(
  what: string,
  withinMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(25);
  }
}
