import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { RecordCoordinates } from './record-coordinates.js';

/** A header as it stood in the record; a name may come several times. */
export type RecordHeader = readonly [name: string, value: Buffer];

/** A record as the client shows it, with headers made plain. */
export interface ConsumedRecord extends RecordCoordinates {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** As kafkajs gave it, for what Nest teams already have. */
  readonly message: KafkaMessage;
}

export function toConsumedRecord(topic: string, partition: number, message: KafkaMessage): ConsumedRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: message.headers === undefined ? NO_HEADERS : plainHeaders(message.headers),
    message,
  };
}

const NO_HEADERS: readonly RecordHeader[] = [];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Key and value are slices of a whole response of the broker (up to 10 MB): those of a record that outlives its batch are
 * copied. In place, since a handler that runs holds the record and its message too, and would keep the response with them.
 */
export function detach(record: ConsumedRecord): void {
  const own: Mutable<ConsumedRecord> = record;
  own.key = record.key && Buffer.from(record.key);
  own.value = record.value && Buffer.from(record.value);
  own.headers = record.headers.map(([name, bytes]): RecordHeader => [name, Buffer.from(bytes)]);
  Object.assign(record.message, { key: own.key, value: own.value, ...copiedHeaders(record.message) });
}

/** kafkajs's own form of the headers: slices of the same response. */
function copiedHeaders({ headers }: KafkaMessage): { headers?: IHeaders } {
  if (headers === undefined) return {};
  const copy = <T>(one: T): T | Buffer => (Buffer.isBuffer(one) ? Buffer.from(one) : one);
  const copyAll = (value: IHeaders[string]): IHeaders[string] => (Array.isArray(value) ? value.map(copy) : copy(value));
  return { headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, copyAll(value)])) };
}

/**
 * Repeats of a name are an array. In a message that kafkajs has read itself (see `readBatchesHere`) a header that is called
 * like a member of `Object.prototype` is `[Function, value]`. Null values cannot be told apart from absent ones.
 */
function plainHeaders(headers: IHeaders): readonly RecordHeader[] {
  if (Object.keys(headers).length === 0) return NO_HEADERS;
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one): one is Buffer | string => typeof one === 'string' || Buffer.isBuffer(one))
      .map((one): RecordHeader => [name, Buffer.from(one)]),
  );
}

/** The last value of a header as text, or undefined. */
export function headerText(headers: readonly RecordHeader[], name: string): string | undefined {
  return headers.findLast(([each]) => each === name)?.[1].toString('utf8');
}
