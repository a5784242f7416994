import kafkajs, {
  type CompressionTypes as Compression,
  type Admin,
  type IHeaders,
  type Kafka,
  type KafkaMessage,
  type Producer,
} from 'kafkajs';
import { removeMember } from '../../stack/remove-member.mjs';
import { eventually } from './eventually.js';
import { uniqueName } from './fixtures.js';

/** What a test puts on a topic: a value, or a message with all its parts. */
export type Produced =
  | string
  | Buffer
  | null
  | {
      key?: string | Buffer | null;
      value: string | Buffer | null;
      headers?: IHeaders;
      partition?: number;
      timestamp?: string;
    };

const { CompressionTypes } = kafkajs;

export interface ProduceOptions {
  readonly partition?: number;
  readonly compression?: Compression;
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
}

/** The topics of a stack, seen and filled from outside. */
export class Topics {
  readonly kafka: Kafka;
  private admin: Admin | undefined;
  private producer: Producer | undefined;

  /** @param broker the stack's only one */
  constructor(private readonly broker: string) {
    this.kafka = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING });
  }

  async connect(): Promise<this> {
    this.admin = this.kafka.admin();
    this.producer = this.kafka.producer({ allowAutoTopicCreation: false });
    await Promise.all([this.admin.connect(), this.producer.connect()]);
    return this;
  }

  async close(): Promise<void> {
    await Promise.all([this.admin?.disconnect(), this.producer?.disconnect()]);
  }

  async create(topic: string, numPartitions = 1, configEntries: { name: string; value: string }[] = []): Promise<void> {
    // Not `waitForLeaders`: it fails where the broker has not heard of the new topic from its controller yet.
    await this.connected.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
    await eventually(`${topic} can be written`, 20_000, async () => {
      const metadata = await this.connected.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
      return metadata.topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false;
    });
  }

  /** Writes records and returns where they stand, in the order given when all go to one partition. */
  async produce(topic: string, records: readonly Produced[], options: ProduceOptions = {}) {
    const messages = records.map((record) => ({
      ...(options.partition === undefined ? {} : { partition: options.partition }),
      ...(typeof record === 'object' && record !== null && !Buffer.isBuffer(record) ? record : { value: record }),
    }));
    if (this.producer === undefined) throw new Error('not connected');
    return this.producer.send({ topic, acks: -1, messages, compression: options.compression ?? CompressionTypes.None });
  }

  async ends(topic: string): Promise<Map<number, { low: bigint; high: bigint }>> {
    const offsets = await this.connected.fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]));
  }

  async committed(group: string, topic: string): Promise<Map<number, bigint>> {
    const [offsets] = await this.connected.fetchOffsets({ groupId: group, topics: [topic] });
    return new Map(offsets?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  /** Every record that stood in the topic when this was called is settled and committed. */
  async settled(group: string, topic: string, withinMs = 30_000): Promise<void> {
    const ends = await this.ends(topic);
    await eventually(`${group} has committed the end of ${topic}`, withinMs, async () => {
      const committed = await this.committed(group, topic);
      return [...ends].every(([partition, { low, high }]) => high === low || (committed.get(partition) ?? -1n) >= high);
    });
  }

  /** Has every member of every group leave: those that still live join again, the dead need not be waited for. */
  async removeMembers(): Promise<void> {
    const { groups } = await this.connected.listGroups();
    const described = await this.connected.describeGroups(groups.map(({ groupId }) => groupId));
    for (const { groupId, members } of described.groups) {
      for (const { memberId } of members) await removeMember(this.broker, groupId, memberId);
    }
  }

  /** All that stands in a topic now. */
  async read(topic: string): Promise<ReadRecord[]> {
    const ends = [...(await this.ends(topic))].filter(([, { low, high }]) => high > low);
    const left = new Map(ends.map(([partition, { high }]) => [partition, high]));
    const records: ReadRecord[] = [];
    if (left.size === 0) return records;
    const consumer = this.kafka.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const done = new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: ({ partition, message }) => {
          const high = left.get(partition);
          if (high !== undefined && BigInt(message.offset) < high) records.push(toRead(partition, message));
          if (high !== undefined && BigInt(message.offset) + 1n >= high) left.delete(partition);
          if (left.size === 0) resolve();
          return Promise.resolve();
        },
      });
    });
    await done;
    await consumer.disconnect();
    await this.connected.deleteGroups([]).catch(() => undefined);
    return records;
  }

  private get connected(): Admin {
    if (this.admin === undefined) throw new Error('not connected');
    return this.admin;
  }
}

function toRead(partition: number, { offset, timestamp, key, value, headers = {} }: KafkaMessage): ReadRecord {
  return { partition, offset, timestamp, key, value, headers };
}
