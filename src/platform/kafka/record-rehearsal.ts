import type { Consumer, Producer } from 'kafkajs';
import { classify, type Failure } from '../classify.js';
import { sqlStateOf } from '../database/database-errors.js';
import { SKIPPED } from '../events/event-reader.js';
import { NotRehearsableError, rehearse } from '../rehearsal.js';
import type { ConsumedRecord } from './consumed-record.js';
import { RETRY_SUFFIX, replayHeaders } from './dead-letter.js';
import { RecordContext, type RecordAttempt, type RecordOutcome } from './record-context.js';
import type { RecordHandler } from './record-handler.js';
import type { ReplayedLetter } from './replay-publisher.js';

/** What a replay would end as. */
export type Rehearsed =
  | { readonly kind: 'settled'; readonly outcome: RecordOutcome }
  | Failure
  | { readonly kind: 'unknown'; readonly message: string };

/** Where writing is forbidden, this is what a handler hears that tries. */
const READ_ONLY = '25006';

/** Runs a letter's handler as a replay would, in a rehearsal; nothing is read from Kafka or written to it. */
export async function rehearseReplay(handler: RecordHandler, letter: ReplayedLetter): Promise<Rehearsed> {
  if (!handler.isRehearsable) return { kind: 'unknown', message: 'its handler does more than can be taken back' };
  const record = replayRecord(letter);
  try {
    const event = handler.read(record);
    if (event === SKIPPED) return { kind: 'settled', outcome: 'skipped' };
    return { kind: 'settled', outcome: await rehearse(() => call(handler, event, record)) };
  } catch (error) {
    const effect = effectIn(error);
    return effect === undefined ? classify(error) : { kind: 'unknown', message: effect };
  }
}

async function call(handler: RecordHandler, event: unknown, record: ConsumedRecord): Promise<RecordOutcome> {
  // There is no consumer, and no producer that a handler might reach past the publisher.
  const client = { consumer: NONE as Consumer, producer: NONE as Producer, heartbeat: () => Promise.resolve() };
  const attempt: RecordAttempt = { outcome: 'handled', waits: () => undefined };
  await handler.call(event, new RecordContext(record, 'background', client, attempt));
  return attempt.outcome;
}

/** The letter as it would come from `.retry`; its own offset there does not matter. */
function replayRecord(letter: ReplayedLetter): ConsumedRecord {
  const { origin, key, value } = letter;
  const topic = origin.topic + RETRY_SUFFIX;
  const headers = replayHeaders(letter);
  const message = {
    key,
    value,
    headers: Object.fromEntries(headers),
    offset: '0',
    timestamp: String(origin.timestamp),
    attributes: 0,
  };
  return { topic, partition: origin.partition, offset: 0n, timestamp: origin.timestamp, key, value, headers, message };
}

/** What a handler tried that a rehearsal does not let it do. */
function effectIn(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof NotRehearsableError) return cause.message;
    if (sqlStateOf(cause) === READ_ONLY) return 'its handler writes to the database besides posting';
  }
  return undefined;
}

const NONE: unknown = new Proxy(
  {},
  {
    get: (): never => {
      throw new NotRehearsableError('its handler uses the Kafka client itself');
    },
  },
);
