import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { CausesTally, type TalliedCause } from './causes-tally.js';
import type { CachedPrices } from './click-charges.js';
import { countNew, discardNext, type Decision } from './decide-letters.sql.js';

const ROUND = 500;

export interface DiscardReport {
  readonly chosen: number;
  readonly discarded: number;
  /** Those that were discarded. */
  readonly causes: readonly TalliedCause[];
  readonly stopped: boolean;
}

export interface DiscardOptions {
  readonly cachedPrices: CachedPrices;
  /** Undefined: as fast as it goes, since nobody but the table has work with it. */
  readonly ratePerSecond: number | undefined;
  readonly signal: AbortSignal;
  readonly progress: (done: number, chosen: number) => void;
}

/** Says of dead letters that nothing is to be done about them; they are removed when they are old. */
export async function discardLetters(
  client: ClientBase,
  decision: Decision,
  { cachedPrices, ratePerSecond = Infinity, signal, progress }: DiscardOptions,
): Promise<DiscardReport> {
  const { chosen, last } = await countNew(client, decision.selection);
  const tally = new CausesTally();
  const begin = performance.now();
  let [discarded, done] = [0, false];
  for (let after = 0n; !signal.aborted;) {
    const letters = await discardNext(client, decision, { after, last }, Math.min(ROUND, Math.ceil(ratePerSecond)));
    const lastOfRound = letters.at(-1);
    if (lastOfRound === undefined) {
      done = true;
      break;
    }
    after = BigInt(lastOfRound.id);
    tally.add(letters);
    discarded += letters.length;
    progress(discarded, chosen);
    const dueMs = begin + (discarded / ratePerSecond) * 1_000 - performance.now();
    if (dueMs > 0) await pause(dueMs, undefined, { signal }).catch(() => undefined);
  }
  return { chosen, discarded, causes: await tally.causes(client, cachedPrices), stopped: !done };
}
