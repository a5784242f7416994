import type { ClientBase } from 'pg';
import { describeDatabaseError } from '../platform/database/database-errors.js';
import type { KafkaStrategy } from '../platform/kafka/kafka.strategy.js';
import { rehearseReplay, type Rehearsed } from '../platform/kafka/record-rehearsal.js';
import { causeOf } from './cause.js';
import { CausesTally, type TalliedCause } from './causes-tally.js';
import { keyOf, type CachedPrices, type CauseKey } from './click-charges.js';
import { findReplayable } from './find-letters.sql.js';
import { replayedLetter, type LetterBytes, type LetterLine } from './letter-row.js';
import type { Selection } from './selection.js';

/** Handlers that run together: they share round trips for prices. */
const AT_ONCE = 25;

/** How the letters of one cause would end. */
export interface RehearsedCause extends TalliedCause, Ends {}

interface Ends {
  /** Money would be posted now; `handled` where a capability posts none. */
  posted: number;
  handled: number;
  /** It was posted before: a replay resolves it and moves no money. */
  repeated: number;
  skipped: number;
  failing: Outcome[];
  /** Would wait: something that it needs is away now. */
  waiting: Outcome[];
  /** Nobody can tell without doing it. */
  unknown: Outcome[];
}

interface Outcome {
  readonly code?: string;
  readonly why: string;
  count: number;
}

interface RehearsalOptions {
  readonly cachedPrices: CachedPrices;
  readonly signal: AbortSignal;
  readonly progress: (done: number) => void;
  /** @throws what keeps the database from taking postings now */
  readonly takesPostings: () => Promise<void>;
}

/**
 * Runs the real handlers over what a replay would send, and takes all of it back.
 *
 * @throws Error that says how far it came, when the database is away or takes no postings: then nothing can be told
 */
export async function rehearseLetters(
  client: ClientBase,
  transport: Pick<KafkaStrategy, 'subscriptions'>,
  selection: Selection,
  { cachedPrices, signal, progress, takesPostings }: RehearsalOptions,
): Promise<RehearsedCause[]> {
  const tally = new CausesTally();
  const ends = new Map<string, Ends>();
  let done = 0;
  try {
    await takesPostings();
    for await (const page of findReplayable(client, selection)) {
      for (let at = 0; at < page.length && !signal.aborted; at += AT_ONCE) {
        const some = page.slice(at, at + AT_ONCE);
        const found = await rehearseSome(transport, some, takesPostings);
        tally.add(some);
        for (const [i, letter] of some.entries()) count(endsOf(ends, letter), found[i] as Rehearsed);
        progress((done += some.length));
      }
      if (signal.aborted) break;
    }
    return (await tally.causes(client, cachedPrices)).map((cause) => ({ ...cause, ...endsOf(ends, cause) }));
  } catch (error) {
    throw new Error(`stopped after ${done} dead letters, nothing is changed: ${describeDatabaseError(error)}`, {
      cause: error,
    });
  }
}

/** That the connection was lost says nothing of a letter: what would wait is tried once more, if the database is there. */
async function rehearseSome(
  transport: Pick<KafkaStrategy, 'subscriptions'>,
  letters: readonly (LetterLine & LetterBytes)[],
  takesPostings: () => Promise<void>,
): Promise<Rehearsed[]> {
  const ends = await Promise.all(letters.map((letter) => rehearseOne(transport, letter)));
  if (!ends.some(({ kind }) => kind === 'transient')) return ends;
  await takesPostings();
  const again = letters.map((letter, i) => {
    const end = ends[i] as Rehearsed;
    return end.kind === 'transient' ? rehearseOne(transport, letter) : Promise.resolve(end);
  });
  return Promise.all(again);
}

function rehearseOne(
  transport: Pick<KafkaStrategy, 'subscriptions'>,
  letter: LetterLine & LetterBytes,
): Promise<Rehearsed> {
  const subscription = transport.subscriptions.find(
    ({ topic, group }) => topic === letter.topic && group === letter.group,
  );
  if (subscription === undefined) {
    return Promise.resolve({ kind: 'unknown', message: `no handler here takes ${letter.topic} in ${letter.group}` });
  }
  return rehearseReplay(subscription.handler, replayedLetter(letter));
}

function count(ends: Ends, end: Rehearsed): void {
  switch (end.kind) {
    case 'settled':
      if (end.outcome !== 'dead') ends[end.outcome]++;
      break;
    case 'poison':
      add(ends.failing, end.message, end.code);
      break;
    // Tried three times, then poison.
    case 'unclassified':
      add(ends.failing, end.message, 'HANDLER_ERROR');
      break;
    case 'transient':
      add(ends.waiting, end.message);
      break;
    case 'unknown':
      add(ends.unknown, end.message);
      break;
  }
}

function endsOf(all: Map<string, Ends>, cause: CauseKey): Ends {
  const known = all.get(keyOf(cause));
  if (known !== undefined) return known;
  const ends: Ends = { posted: 0, handled: 0, repeated: 0, skipped: 0, failing: [], waiting: [], unknown: [] };
  all.set(keyOf(cause), ends);
  return ends;
}

function add(outcomes: Outcome[], message: string, code?: string): void {
  const why = causeOf(message);
  const known = outcomes.find((each) => each.code === code && each.why === why);
  if (known === undefined) outcomes.push({ ...(code !== undefined && { code }), why, count: 1 });
  else known.count++;
}
