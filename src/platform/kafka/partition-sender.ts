import kafkajs, { type Message, type Producer } from 'kafkajs';
import { TransientError } from '../failure.js';
import { TRANSPORT_LIMITS } from './limits.js';

/** A record for one partition. */
export type PartitionRecord = Omit<Message, 'partition'>;

/** The broker will never take this record: it is larger than its topic allows. */
export class RecordTooLargeError extends Error {
  override readonly name = 'RecordTooLargeError';
}

interface Waiting {
  readonly record: PartitionRecord;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The records of one partition that wait while the last send is away. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly waiting: Waiting[];
  sending: boolean;
}

/** A slot of a header's framing; generous, it only has to keep a send below what a broker takes. */
const FRAMING_BYTES = 64;

/**
 * Sends records, those of a partition in order and those that gather while one send is away in the next. One partition a
 * send, and its metadata is looked at: kafkajs resolves a send over several of which a part was never written.
 */
export class PartitionSender {
  private readonly lanes = new Map<string, Lane>();

  constructor(private readonly producer: Producer) {}

  /**
   * Resolves when all in-sync replicas have the record.
   *
   * @throws RecordTooLargeError when it is larger than the topic takes
   * @throws TransientError when the broker did not take it
   */
  send(topic: string, partition: number, record: PartitionRecord): Promise<void> {
    const name = `${topic}:${partition}`;
    const lane = this.lanes.get(name) ?? { topic, partition, waiting: [], sending: false };
    this.lanes.set(name, lane);
    return new Promise((resolve, reject) => {
      lane.waiting.push({ record, bytes: sizeOf(record), resolve, reject });
      if (!lane.sending) void this.drain(lane);
    });
  }

  private async drain(lane: Lane): Promise<void> {
    lane.sending = true;
    while (lane.waiting.length > 0) await this.sendBatch(lane, takeBatch(lane.waiting));
    lane.sending = false;
  }

  private async sendBatch(lane: Lane, batch: readonly Waiting[]): Promise<void> {
    try {
      await this.sendRecords(lane, batch);
      for (const each of batch) each.resolve();
    } catch (error) {
      if (isTooLarge(error) && batch.length > 1) {
        for (const each of batch) await this.sendBatch(lane, [each]);
      } else {
        const failure = failureOf(lane, error);
        for (const each of batch) each.reject(failure);
      }
    }
  }

  private async sendRecords({ topic, partition }: Lane, batch: readonly Waiting[]): Promise<void> {
    const messages = batch.map(({ record }) => ({ ...record, partition }));
    const written = await this.producer.send({ topic, acks: -1, messages });
    if (!written.some((each) => each.partition === partition && each.errorCode === 0)) {
      throw new Error('the broker acknowledged no record');
    }
  }
}

function failureOf({ topic, partition }: Lane, error: unknown): Error {
  const reason = (error as Error).message;
  if (isTooLarge(error)) return new RecordTooLargeError(`${topic}: ${reason}`, { cause: error });
  return new TransientError(`${topic}:${partition} did not take a record: ${reason}`, { cause: error });
}

function sizeOf({ key, value, headers = {} }: PartitionRecord): number {
  let bytes = FRAMING_BYTES + lengthOf(key) + lengthOf(value);
  for (const [name, values] of Object.entries(headers)) {
    for (const each of [values].flat()) bytes += name.length + lengthOf(each) + FRAMING_BYTES;
  }
  return bytes;
}

function lengthOf(bytes: Buffer | string | null | undefined): number {
  return bytes === null || bytes === undefined ? 0 : Buffer.byteLength(bytes);
}

/** A send is one batch of the log and never split by the client: its bytes are bounded here. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const each of waiting) {
    bytes += each.bytes;
    if (count > 0 && bytes > TRANSPORT_LIMITS.sendBytes) break;
    count++;
  }
  return waiting.splice(0, count);
}

function isTooLarge(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (
      cause instanceof kafkajs.KafkaJSProtocolError &&
      ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(cause.type)
    )
      return true;
  }
  return false;
}
