import kafkajs, { type Message, type Producer } from 'kafkajs';
import { TransientError } from '../failure.js';
import type { RecordHeader } from './consumed-record.js';
import { DEAD_LETTER_SUFFIX, deadLetterHeaders, STUB_HEADER, type DeadLetter } from './dead-letter.js';
import { TRANSPORT_LIMITS } from './limits.js';
import type { TransportHooks } from './observer.js';
import { originTopic } from './topics.js';

interface Waiting {
  readonly letter: DeadLetter;
  readonly message: Message;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The dead letters of one partition that wait while the last send is away. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly waiting: Waiting[];
  sending: boolean;
}

/** A slot of a header's framing; generous, it only has to keep a send below what a broker takes. */
const FRAMING_BYTES = 64;

/** Writes dead letters; a promise resolves only when the broker (or `dead_letters`, for one too large) has them. */
export class DeadLetterProducer {
  private readonly lanes = new Map<string, Lane>();

  constructor(
    private readonly producer: Producer,
    private readonly hooks: TransportHooks,
    private readonly partitionsOf: (topic: string) => number,
  ) {}

  /** @throws TransientError when the broker did not take it; the record is then tried again */
  send(letter: DeadLetter): Promise<void> {
    const topic = originTopic(letter.origin.topic) + DEAD_LETTER_SUFFIX;
    const partition = letter.origin.partition % this.partitionsOf(topic);
    const name = `${topic}:${partition}`;
    const lane = this.lanes.get(name) ?? { topic, partition, waiting: [], sending: false };
    this.lanes.set(name, lane);
    return new Promise((resolve, reject) => {
      const message = messageOf(letter, partition);
      lane.waiting.push({ letter, message, bytes: sizeOf(message), resolve, reject });
      if (!lane.sending) void this.drain(lane);
    });
  }

  private async drain(lane: Lane): Promise<void> {
    lane.sending = true;
    while (lane.waiting.length > 0) {
      const batch = takeBatch(lane.waiting);
      try {
        await this.sendBatch(lane, batch);
        for (const each of batch) each.resolve();
      } catch (error) {
        for (const each of batch) each.reject(error);
      }
    }
    lane.sending = false;
  }

  private async sendBatch(lane: Lane, batch: readonly Waiting[]): Promise<void> {
    try {
      await this.sendMessages(
        lane,
        batch.map(({ message }) => message),
      );
    } catch (error) {
      if (!isTooLarge(error)) {
        throw new TransientError(`${lane.topic} did not take a dead letter: ${(error as Error).message}`, {
          cause: error,
        });
      }
      if (batch.length > 1) {
        for (const each of batch) await this.sendBatch(lane, [each]);
      } else if (batch[0] !== undefined) {
        await this.keepWhole(lane, batch[0]);
      }
    }
  }

  /** One partition a send, and its metadata is looked at: kafkajs resolves a send of which a part was never written. */
  private async sendMessages({ topic, partition }: Lane, messages: Message[]): Promise<void> {
    const written = await this.producer.send({ topic, acks: -1, messages });
    if (!written.some((each) => each.partition === partition && each.errorCode === 0)) {
      throw new TransientError(`the broker acknowledged no record of ${topic}:${partition}`);
    }
  }

  private async keepWhole(lane: Lane, { letter, message }: Waiting): Promise<void> {
    if (this.hooks.oversized === undefined) {
      throw new TransientError(
        `a dead letter of ${letter.origin.topic} is too large for ${lane.topic}, and nothing keeps it`,
      );
    }
    await this.hooks.oversized.keep(letter);
    const ownHeaders = deadLetterHeaders({ ...letter, headers: [[STUB_HEADER, Buffer.from('dead_letters')]] });
    const { key: _key, ...stub } = message;
    await this.sendMessages(lane, [{ ...stub, value: Buffer.alloc(0), headers: byName(ownHeaders) }]);
  }
}

function messageOf(letter: DeadLetter, partition: number): Message {
  return { key: letter.key, value: letter.value, partition, headers: byName(deadLetterHeaders(letter)) };
}

/** kafkajs takes an object; repeats of a name stay in order, order across names is not kept. */
function byName(headers: readonly RecordHeader[]): Record<string, Buffer | Buffer[]> {
  const object = Object.create(null) as Record<string, Buffer | Buffer[]>;
  for (const [name, value] of headers) {
    const before = object[name];
    object[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return object;
}

function sizeOf({ key, value, headers = {} }: Message): number {
  let bytes = FRAMING_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, values] of Object.entries(headers)) {
    for (const each of [values].flat()) bytes += name.length + (each?.length ?? 0) + FRAMING_BYTES;
  }
  return bytes;
}

/** A send is one batch of the log and never split by the client: its bytes are bounded here. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const each of waiting) {
    bytes += each.bytes;
    if (count > 0 && bytes > TRANSPORT_LIMITS.deadLetterBatchBytes) break;
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
