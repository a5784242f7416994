import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { countNew, discardNext, type Decision } from './decide-letters.sql.js';

const ROUND = 500;

export interface DiscardReport {
  readonly chosen: number;
  readonly discarded: number;
  readonly stopped: boolean;
}

export interface DiscardPace {
  /** Undefined: as fast as it goes, since nobody but the table has work with it. */
  readonly ratePerSecond: number | undefined;
  readonly signal: AbortSignal;
  readonly progress: (done: number, chosen: number) => void;
}

/** Says of dead letters that nothing is to be done about them; they are removed when they are old. */
export async function discardLetters(
  client: ClientBase,
  decision: Decision,
  { ratePerSecond = Infinity, signal, progress }: DiscardPace,
): Promise<DiscardReport> {
  const { chosen, last } = await countNew(client, decision.selection);
  const begin = performance.now();
  let discarded = 0;
  for (let span = { after: 0n, last }; !signal.aborted;) {
    const { count, after } = await discardNext(client, decision, span, Math.min(ROUND, Math.ceil(ratePerSecond)));
    if (count === 0) return { chosen, discarded, stopped: false };
    span = { after, last };
    discarded += count;
    progress(discarded, chosen);
    const dueMs = begin + (discarded / ratePerSecond) * 1_000 - performance.now();
    if (dueMs > 0) await pause(dueMs, undefined, { signal }).catch(() => undefined);
  }
  return { chosen, discarded, stopped: true };
}
