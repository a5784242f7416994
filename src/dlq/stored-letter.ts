import { storableText } from '../platform/database/storable-text.js';
import type { PoisonCode } from '../platform/failure.js';
import type { ConsumedRecord, RecordHeader } from '../platform/kafka/consumed-record.js';
import { ownHeaders, readDeadLetterHeaders, type DeadLetter } from '../platform/kafka/dead-letter.js';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';
import { causeOf } from './cause.js';
import { subjectOf, type LetterSubject } from './letter-subject.js';

/** What `dead_letters` keeps of one failure; every text in it is one that Postgres takes. */
export interface StoredLetter extends LetterSubject {
  readonly origin: RecordCoordinates;
  readonly group: string;
  readonly attempt: number;
  readonly code: PoisonCode;
  readonly message: string;
  readonly cause: string;
  readonly failedAt: Date;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** The whole of it lies in the table already. */
  readonly isStub: boolean;
}

/** Kafka allows no longer topic; a group may be longer, and an index entry has its bounds. */
const LONGEST_NAME = 249;
const LONGEST_MESSAGE = 1_000;
const MOST_PARTITIONS = 2 ** 31;
const LEAST_TIME = Date.UTC(1970, 0, 1);
const MOST_TIME = Date.UTC(9999, 11, 31);
/** A record that somebody else put on a dead-letter topic belongs to no group of ours. */
const UNKNOWN_GROUP = 'unknown';
const FOREIGN = 'somebody else than the Worker wrote it to the dead-letter topic, without saying why';

/**
 * A record of a `.dlq` topic as it is to be stored. One that does not say where it stood was not written by the Worker: it
 * is kept under its own coordinates on the dead-letter topic, and nothing replays it.
 */
export function letterOf(record: ConsumedRecord): StoredLetter {
  const { origin, group, attempt, code, message, failedAt, isStub } = readDeadLetterHeaders(record);
  const isOurs = origin !== undefined && group !== undefined && group !== '' && origin.partition < MOST_PARTITIONS;
  return letter({
    origin: isOurs ? origin : record,
    group: group === undefined || group === '' ? UNKNOWN_GROUP : group,
    attempt,
    code: code ?? 'HANDLER_ERROR',
    message: message ?? FOREIGN,
    failedAt: failedAt ?? new Date(record.timestamp),
    key: record.key,
    value: record.value,
    headers: ownHeaders(record.headers),
    isStub: isStub && isOurs,
  });
}

/** A dead letter that never went through its topic whole. */
export function wholeLetterOf(dead: DeadLetter): StoredLetter {
  return letter({ ...dead, isStub: false });
}

function letter(dead: DeadLetter & { isStub: boolean }): StoredLetter {
  const message = storableText(dead.message, LONGEST_MESSAGE);
  return {
    ...dead,
    ...subjectOf(dead.value),
    origin: { ...dead.origin, topic: storableText(dead.origin.topic, LONGEST_NAME) },
    group: storableText(dead.group, LONGEST_NAME),
    message,
    cause: causeOf(message),
    failedAt: storableTime(dead.failedAt),
    headers: dead.headers.map(([name, bytes]): RecordHeader => [storableText(name), bytes]),
  };
}

function storableTime(time: Date): Date {
  const ms = time.getTime();
  return new Date(Number.isNaN(ms) ? LEAST_TIME : Math.min(Math.max(ms, LEAST_TIME), MOST_TIME));
}
