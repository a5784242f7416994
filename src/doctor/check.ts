import { setTimeout as pause } from 'node:timers/promises';

/** `warning`: the Worker runs, but not as it should. */
type Outcome = 'ok' | 'warning' | 'failed';

/** One thing that the Worker needs, and how it was found. */
export interface Check {
  readonly name: string;
  readonly outcome: Outcome;
  /** A sentence. */
  readonly found: string;
  /** What to do about it; where all is well there is none. */
  readonly remedy?: string;
}

export const ok = (name: string, found: string): Check => ({ name, outcome: 'ok', found });
export const warning = (name: string, found: string, remedy: string): Check => ({
  name,
  outcome: 'warning',
  found,
  remedy,
});
export const failed = (name: string, found: string, remedy: string): Check => ({
  name,
  outcome: 'failed',
  found,
  remedy,
});

/**
 * A server that hangs is an answer too. What is late goes on unheard.
 *
 * @throws Error that says how long was waited
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  work.catch(() => undefined); // it may fail when nobody listens any more
  const late = pause(ms, undefined, { ref: false }).then(() => {
    throw new Error(`no answer within ${ms / 1_000} s`);
  });
  return Promise.race([work, late]);
}

/** Some of a list, where all of it would fill the screen. */
export function some(items: readonly string[], most = 6): string {
  const more = items.length - most;
  return items.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
