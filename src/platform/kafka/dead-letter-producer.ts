import { TransientError } from '../failure.js';
import type { RecordHeader } from './consumed-record.js';
import { DEAD_LETTER_SUFFIX, deadLetterHeaders, STUB_HEADER, type DeadLetter } from './dead-letter.js';
import type { TransportHooks } from './observer.js';
import { RecordTooLargeError, type PartitionSender } from './partition-sender.js';
import { originTopic } from './topics.js';

/** Writes dead letters; a promise resolves only when the broker (or `dead_letters`, for one too large) has them. */
export class DeadLetterProducer {
  constructor(
    private readonly sender: PartitionSender,
    private readonly hooks: TransportHooks,
    private readonly partitionsOf: (topic: string) => number,
  ) {}

  /** @throws TransientError when the broker did not take it; the record is then tried again */
  async send(letter: DeadLetter): Promise<void> {
    const topic = originTopic(letter.origin.topic) + DEAD_LETTER_SUFFIX;
    const partition = letter.origin.partition % this.partitionsOf(topic);
    const { key, value } = letter;
    try {
      await this.sender.send(topic, partition, { key, value, headers: byName(deadLetterHeaders(letter)) });
    } catch (error) {
      if (!(error instanceof RecordTooLargeError)) throw error;
      await this.keepWhole(topic, partition, letter);
    }
  }

  private async keepWhole(topic: string, partition: number, letter: DeadLetter): Promise<void> {
    if (this.hooks.oversized === undefined) {
      throw new TransientError(
        `a dead letter of ${letter.origin.topic} is too large for ${topic}, and nothing keeps it`,
      );
    }
    await this.hooks.oversized.keep(letter);
    const headers = deadLetterHeaders({ ...letter, headers: [[STUB_HEADER, Buffer.from('dead_letters')]] });
    await this.sender.send(topic, partition, { value: Buffer.alloc(0), headers: byName(headers) });
  }
}

/** kafkajs takes an object; repeats of a name stay in order, order across names is not kept. */
export function byName(headers: readonly RecordHeader[]): Record<string, Buffer | Buffer[]> {
  const object = Object.create(null) as Record<string, Buffer | Buffer[]>;
  for (const [name, value] of headers) {
    const before = object[name];
    object[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return object;
}
