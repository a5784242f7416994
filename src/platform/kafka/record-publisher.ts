import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Kafka, Producer } from 'kafkajs';
import { TransientError } from '../failure.js';
import { isRehearsing, NotRehearsableError } from '../rehearsal.js';
import { closeProducer, createKafka, createProducer, withAdmin } from './kafka-client.js';
import { KAFKA_OPTIONS, type KafkaOptions } from './kafka-options.js';
import { PartitionSender } from './partition-sender.js';
import { traceHeaders } from './trace-context.js';
import { ensureOwnTopic } from './topics.js';

/** Writes records of the Worker's own topics. */
@Injectable()
export class RecordPublisher implements OnApplicationShutdown {
  private readonly kafka: Kafka;
  private readonly producer: Producer;
  private readonly sender: PartitionSender;
  private readonly partitions = new Map<string, Promise<number>>();

  constructor(@Inject(KAFKA_OPTIONS) { connection }: KafkaOptions) {
    this.kafka = createKafka(connection);
    this.producer = createProducer(this.kafka);
    this.sender = new PartitionSender(this.producer);
  }

  /**
   * Writes a record to `topic`, which is made where it is missing; records of one key stay in order. It takes
   * the trace along in which it is written. Resolves when all in-sync
   * replicas have it.
   *
   * @throws TransientError when the broker did not take it; it may be written all the same
   * @throws RecordTooLargeError when it is larger than the topic takes
   */
  async publish(topic: string, { key, value }: { key: string; value: string }): Promise<void> {
    if (isRehearsing()) throw new NotRehearsableError(`its handler writes to ${topic}`);
    const headers = traceHeaders();
    const partition = spread(key) % (await this.partitionsOf(topic));
    await this.sender.send(topic, partition, { key, value, headers });
  }

  /** Last of all: until then a record in hand may still have something to say. */
  async onApplicationShutdown(): Promise<void> {
    await closeProducer(this.producer);
  }

  private partitionsOf(topic: string): Promise<number> {
    const known = this.partitions.get(topic) ?? this.prepare(topic);
    this.partitions.set(topic, known);
    return known;
  }

  private async prepare(topic: string): Promise<number> {
    try {
      await this.producer.connect();
      return await withAdmin(this.kafka, (admin) => ensureOwnTopic(admin, topic));
    } catch (error) {
      this.partitions.delete(topic);
      throw new TransientError(`${topic} cannot be written: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** FNV-1a: the partition only has to be the same for the same key. */
function spread(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
