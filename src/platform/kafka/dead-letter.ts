import type { PoisonCode } from '../failure.js';
import { headerText, type ConsumedRecord, type RecordHeader } from './consumed-record.js';
import { TRANSPORT_LIMITS } from './limits.js';
import type { RecordCoordinates } from './record-coordinates.js';

export const DEAD_LETTER_SUFFIX = '.dlq';
export const RETRY_SUFFIX = '.retry';

/** A record that can never succeed, and why. */
export interface DeadLetter {
  /** Where the record stood first; a record that fails on `.retry` keeps the place it was replayed from. */
  readonly origin: RecordCoordinates;
  readonly group: string;
  /** 1 for the first failure, one more for each replay that failed. */
  readonly attempt: number;
  readonly code: PoisonCode;
  readonly message: string;
  readonly failedAt: Date;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The record's own headers, without any that bear the names a dead letter needs. */
  readonly headers: readonly RecordHeader[];
}

/** What a record on `.retry` says of itself: where it came from and which attempt it is. */
export interface Replay {
  readonly origin: RecordCoordinates;
  readonly group: string | undefined;
  readonly attempt: number;
}

const NAME = {
  topic: 'dlq-origin-topic',
  partition: 'dlq-origin-partition',
  offset: 'dlq-origin-offset',
  timestamp: 'dlq-origin-timestamp',
  group: 'dlq-group',
  attempt: 'dlq-attempt',
  code: 'dlq-error-code',
  message: 'dlq-error-message',
  failedAt: 'dlq-failed-at',
} as const;
/** Says on the stub of a dead letter that was too large for its topic where the whole of it lies. */
export const STUB_HEADER = 'dlq-kept-in';

const RESERVED = new Set<string>([...Object.values(NAME), STUB_HEADER]);

export function deadLetterOf(
  record: ConsumedRecord,
  group: string,
  failure: { code: PoisonCode; message: string },
  now: Date,
): DeadLetter {
  const replay = replayOf(record);
  return {
    origin: replay?.origin ?? record,
    group,
    attempt: replay?.attempt ?? 1,
    code: failure.code,
    message: failure.message.slice(0, TRANSPORT_LIMITS.deadLetterMessageChars),
    failedAt: now,
    key: record.key,
    value: record.value,
    headers: record.headers.filter(([name]) => !RESERVED.has(name)),
  };
}

/** The headers that go to the dead-letter topic. */
export function deadLetterHeaders(letter: DeadLetter): RecordHeader[] {
  const { origin } = letter;
  const own: [string, string][] = [
    [NAME.topic, origin.topic],
    [NAME.partition, String(origin.partition)],
    [NAME.offset, String(origin.offset)],
    [NAME.timestamp, String(origin.timestamp)],
    [NAME.group, letter.group],
    [NAME.attempt, String(letter.attempt)],
    [NAME.code, letter.code],
    [NAME.message, letter.message],
    [NAME.failedAt, letter.failedAt.toISOString()],
  ];
  return [...letter.headers, ...own.map(([name, text]): RecordHeader => [name, Buffer.from(text)])];
}

/**
 * Reads the coordinates that a replay carries. They are believed on `.retry` only, which nobody but the Worker writes:
 * anywhere else a sender could pass one click off as another. Undefined where they are missing or broken.
 */
export function replayOf(record: ConsumedRecord): Replay | undefined {
  if (!record.topic.endsWith(RETRY_SUFFIX)) return undefined;
  const text = (name: string): string => headerText(record.headers, name) ?? '';
  const topic = text(NAME.topic);
  const [partition, offset, timestamp, attempt] = [NAME.partition, NAME.offset, NAME.timestamp, NAME.attempt].map(text);
  if (topic !== record.topic.slice(0, -RETRY_SUFFIX.length)) return undefined;
  if (
    ![partition, offset].every((digits) => /^\d{1,18}$/.test(digits ?? '')) ||
    !/^-?\d{1,19}$/.test(timestamp ?? '')
  ) {
    return undefined;
  }
  return {
    origin: { topic, partition: Number(partition), offset: BigInt(offset ?? ''), timestamp: Number(timestamp) },
    group: headerText(record.headers, NAME.group),
    attempt: /^\d{1,9}$/.test(attempt ?? '') ? Number(attempt) + 1 : 2,
  };
}
