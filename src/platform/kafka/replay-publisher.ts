import type { Kafka, Producer } from 'kafkajs';
import { TransientError } from '../failure.js';
import { RETRY_SUFFIX, replayHeaders, type DeadLetter } from './dead-letter.js';
import { byName } from './dead-letter-producer.js';
import { createKafka, createProducer, withAdmin, type KafkaConnection } from './kafka-client.js';
import { PartitionSender } from './partition-sender.js';
import { partitionCount } from './topics.js';

/** What a replay is made of: the record as it failed, where it stood, and which attempt that was. */
export type ReplayedLetter = Pick<DeadLetter, 'origin' | 'group' | 'attempt' | 'key' | 'value' | 'headers'>;

/** Sends dead letters to their origin's `.retry`; never to the origin, which others read too. */
export class ReplayPublisher {
  private readonly kafka: Kafka;
  private readonly producer: Producer;
  private readonly sender: PartitionSender;
  private readonly partitions = new Map<string, Promise<number>>();

  constructor(connection: KafkaConnection) {
    this.kafka = createKafka(connection, 'click-worker-cli');
    this.producer = createProducer(this.kafka);
    this.sender = new PartitionSender(this.producer);
  }

  /** @throws the client's error when no broker answers */
  async connect(): Promise<void> {
    await this.producer.connect();
  }

  async close(): Promise<void> {
    await this.producer.disconnect().catch(() => undefined);
  }

  /**
   * Resolves when all in-sync replicas have it.
   *
   * @throws TransientError when there is no such topic, or the broker did not take it; it may be written all the same
   * @throws RecordTooLargeError when it is larger than the topic takes
   */
  async send(letter: ReplayedLetter): Promise<void> {
    const { origin, key, value } = letter;
    const topic = origin.topic + RETRY_SUFFIX;
    const partition = origin.partition % (await this.partitionsOf(topic));
    await this.sender.send(topic, partition, { key, value, headers: byName(replayHeaders(letter)) });
  }

  private partitionsOf(topic: string): Promise<number> {
    const known = this.partitions.get(topic) ?? this.count(topic);
    this.partitions.set(topic, known);
    return known;
  }

  private async count(topic: string): Promise<number> {
    const count = await withAdmin(this.kafka, (admin) => partitionCount(admin, topic)).catch((error: unknown) => {
      this.partitions.delete(topic);
      throw error;
    });
    if (count === undefined) {
      throw new TransientError(
        `there is no topic ${topic}: a Worker that handles ${topic.slice(0, -RETRY_SUFFIX.length)} makes it`,
      );
    }
    return count;
  }
}
