import { AsyncLocalStorage } from 'node:async_hooks';

/** Nothing enters it in a running Worker: asking costs next to nothing there. */
const scope = new AsyncLocalStorage<true>();

/** What a rehearsal cannot do without leaving something behind. */
export class NotRehearsableError extends Error {
  override readonly name = 'NotRehearsableError';
}

/**
 * Runs `work` to see what would come of it. Within it the ledger posts in a transaction that is rolled back, alerts are not
 * raised, and campaigns are neither paused nor resumed; everything else happens.
 */
export function rehearse<T>(work: () => Promise<T>): Promise<T> {
  return scope.run(true, work);
}

export function isRehearsing(): boolean {
  return scope.getStore() === true;
}
