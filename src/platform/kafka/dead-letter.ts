import { POISON_CODES, type PoisonCode } from '../failure.js';
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
    headers: ownHeaders(record.headers),
  };
}

/** A record's own headers, without any that bear the names a dead letter needs. */
export function ownHeaders(headers: readonly RecordHeader[]): RecordHeader[] {
  return headers.filter(([name]) => !RESERVED.has(name));
}

/** The headers that go to the dead-letter topic. */
export function deadLetterHeaders(letter: DeadLetter): RecordHeader[] {
  return [
    ...replayHeaders(letter),
    ...asHeaders([
      [NAME.code, letter.code],
      [NAME.message, letter.message],
      [NAME.failedAt, letter.failedAt.toISOString()],
    ]),
  ];
}

/** The headers that a replay of a dead letter goes to `.retry` with: its own, and those that `replayOf` reads. */
export function replayHeaders(letter: Pick<DeadLetter, 'origin' | 'group' | 'attempt' | 'headers'>): RecordHeader[] {
  const { origin } = letter;
  return [
    ...letter.headers,
    ...asHeaders([
      [NAME.topic, origin.topic],
      [NAME.partition, String(origin.partition)],
      [NAME.offset, String(origin.offset)],
      [NAME.timestamp, String(origin.timestamp)],
      [NAME.group, letter.group],
      [NAME.attempt, String(letter.attempt)],
    ]),
  ];
}

const asHeaders = (texts: readonly (readonly [string, string])[]): RecordHeader[] =>
  texts.map(([name, text]) => [name, Buffer.from(text)]);

/** What the headers of a record on `.dlq` say; anybody may write there, so each of them may be missing or wrong. */
export interface DeadLetterHeaders {
  /** Undefined where somebody else than the Worker wrote it. */
  readonly origin: RecordCoordinates | undefined;
  readonly group: string | undefined;
  readonly attempt: number;
  readonly code: PoisonCode | undefined;
  readonly message: string | undefined;
  readonly failedAt: Date | undefined;
  /** It stands for one that was too large for the topic, and has no bytes of its own. */
  readonly isStub: boolean;
}

/** Reads what `deadLetterHeaders` wrote. */
export function readDeadLetterHeaders({ topic, headers }: ConsumedRecord): DeadLetterHeaders {
  const text = (name: string): string | undefined => headerText(headers, name);
  const origin = topic.slice(0, -DEAD_LETTER_SUFFIX.length);
  const failedAt = new Date(text(NAME.failedAt) ?? NaN);
  const attempt = text(NAME.attempt) ?? '';
  return {
    // What failed on `.retry` without saying where it came from stood nowhere else.
    origin: originIn(headers, origin) ?? originIn(headers, origin + RETRY_SUFFIX),
    group: text(NAME.group),
    attempt: /^[1-9]\d{0,8}$/.test(attempt) ? Number(attempt) : 1,
    code: POISON_CODES.find((code) => code === text(NAME.code)),
    message: text(NAME.message),
    failedAt: Number.isNaN(failedAt.getTime()) ? undefined : failedAt,
    isStub: text(STUB_HEADER) !== undefined,
  };
}

/**
 * Reads the coordinates that a replay carries. They are believed on `.retry` only, which nobody but the Worker writes:
 * anywhere else a sender could pass one click off as another. Undefined where they are missing or broken.
 */
export function replayOf(record: ConsumedRecord): Replay | undefined {
  if (!record.topic.endsWith(RETRY_SUFFIX)) return undefined;
  const origin = originIn(record.headers, record.topic.slice(0, -RETRY_SUFFIX.length));
  if (origin === undefined) return undefined;
  const attempt = headerText(record.headers, NAME.attempt) ?? '';
  return {
    origin,
    group: headerText(record.headers, NAME.group),
    attempt: /^\d{1,9}$/.test(attempt) ? Number(attempt) + 1 : 2,
  };
}

/** Where a record of `topic` stood, by what its copy on a companion says. Undefined where that is missing or broken. */
function originIn(headers: readonly RecordHeader[], topic: string): RecordCoordinates | undefined {
  const text = (name: string): string => headerText(headers, name) ?? '';
  const [partition, offset, timestamp] = [NAME.partition, NAME.offset, NAME.timestamp].map(text);
  if (text(NAME.topic) !== topic) return undefined;
  if (
    ![partition, offset].every((digits) => /^\d{1,18}$/.test(digits ?? '')) ||
    !/^-?\d{1,19}$/.test(timestamp ?? '')
  ) {
    return undefined;
  }
  return { topic, partition: Number(partition), offset: BigInt(offset ?? ''), timestamp: Number(timestamp) };
}
