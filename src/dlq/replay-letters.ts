import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { TransientError } from '../platform/failure.js';
import type { ReplayPublisher } from '../platform/kafka/replay-publisher.js';
import { CausesTally, type TalliedCause } from './causes-tally.js';
import type { CachedPrices } from './click-charges.js';
import {
  claimForReplay,
  countReplayable,
  releaseUnsent,
  type Decision,
  type ReplayableLetter,
} from './decide-letters.sql.js';
import { replayedLetter } from './letter-row.js';

/** Letters of one round: a kill leaves no more of them marked and not sent. */
const MOST_AT_ONCE = 100;
/** A round is a quarter of a second's letters, so that the rate is even. */
const ROUNDS_PER_SECOND = 4;
/** Letters that are named because they could not be sent; how many there are is said besides. */
const MOST_NAMED = 20;

interface Unsent {
  readonly id: string;
  readonly error: string;
}

export interface ReplayReport {
  /** What was there to be replayed when it began. */
  readonly chosen: number;
  readonly sent: number;
  /** Those that were sent. */
  readonly causes: readonly TalliedCause[];
  readonly notSent: number;
  /** Some of those that could not be sent. */
  readonly unsent: readonly Unsent[];
  /** Chosen, but written to the dead-letter topic by somebody else: they cannot be replayed. */
  readonly foreign: number;
  /** Chosen, but decided on by somebody else meanwhile. */
  readonly takenByOthers: number;
  /** It was asked to stop before it was through. */
  readonly stopped: boolean;
  /** Nothing could be sent any more, so it gave up: why. */
  readonly gaveUp?: string;
}

export interface ReplayOptions {
  readonly cachedPrices: CachedPrices;
  readonly ratePerSecond: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, chosen: number) => void;
}

/** Sends dead letters to `<origin>.retry`, no faster than it may; each is marked first. */
export async function replayLetters(
  client: ClientBase,
  publisher: ReplayPublisher,
  decision: Decision,
  { cachedPrices, ratePerSecond, signal, progress }: ReplayOptions,
): Promise<ReplayReport> {
  const { chosen, foreign, last } = await countReplayable(client, decision.selection);
  const round = new Round(client, publisher);
  const limit = Math.min(MOST_AT_ONCE, Math.max(1, Math.ceil(ratePerSecond / ROUNDS_PER_SECOND)));
  const begin = performance.now();
  let done = false;
  for (let after = 0n; !signal.aborted && round.gaveUp === undefined;) {
    const letters = await claimForReplay(client, decision, { after, last }, limit);
    const lastOfRound = letters.at(-1);
    if (lastOfRound === undefined) {
      done = true;
      break;
    }
    after = BigInt(lastOfRound.id);
    await round.send(letters);
    progress(round.sent + round.notSent, chosen);
    const dueMs = begin + (round.sent / ratePerSecond) * 1_000 - performance.now();
    if (dueMs > 0) await pause(dueMs, undefined, { signal }).catch(() => undefined);
  }
  return {
    chosen: chosen + foreign,
    sent: round.sent,
    causes: await round.tally.causes(client, cachedPrices),
    notSent: round.notSent,
    unsent: round.unsent,
    foreign,
    takenByOthers: done ? Math.max(0, chosen - round.sent - round.notSent) : 0,
    stopped: !done && round.gaveUp === undefined,
    ...(round.gaveUp !== undefined && { gaveUp: round.gaveUp }),
  };
}

class Round {
  sent = 0;
  notSent = 0;
  readonly tally = new CausesTally();
  readonly unsent: Unsent[] = [];
  gaveUp: string | undefined;

  constructor(
    private readonly client: ClientBase,
    private readonly publisher: ReplayPublisher,
  ) {}

  async send(letters: readonly ReplayableLetter[]): Promise<void> {
    const results = await Promise.allSettled(letters.map((letter) => this.publisher.send(replayedLetter(letter))));
    const failed = letters.flatMap((letter, i) => {
      const result = results[i];
      return result?.status === 'rejected' ? [{ letter, error: result.reason as Error }] : [];
    });
    this.tally.add(letters.filter((_, i) => results[i]?.status === 'fulfilled'));
    this.sent += letters.length - failed.length;
    this.notSent += failed.length;
    for (const { letter, error } of failed.slice(0, MOST_NAMED - this.unsent.length)) {
      this.unsent.push({ id: letter.id, error: error.message });
    }
    if (failed.length > 0)
      await releaseUnsent(
        this.client,
        failed.map(({ letter }) => letter),
      );
    // The broker is away, or has no such topic: the next ones would only be marked and given back.
    const [first] = failed;
    if (failed.length === letters.length && first?.error instanceof TransientError) this.gaveUp = first.error.message;
  }
}
