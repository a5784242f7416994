import { randomUUID } from 'node:crypto';
import type {
  Batch,
  Consumer,
  ConsumerCrashEvent,
  ConsumerEndBatchProcessEvent,
  ConsumerGroupJoinEvent,
} from 'kafkajs';
import { registerCodecs } from './codecs.js';
import { toConsumedRecord, type ConsumedRecord } from './consumed-record.js';
import { createKafka, type KafkaConnection } from './kafka-client.js';

/** Offsets of a partition: from the first, up to and not including the second. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/** Nothing came for so long, although something is there. */
const SILENCE_MS = 60_000;
const FETCH_BYTES_PER_PARTITION = 1024 * 1024;

/**
 * Reads ranges of a topic once, in a group of its own that commits nothing and is gone afterwards. Of a partition one batch is
 * handed over at a time, in the order of its offsets; several partitions at once.
 *
 * @param each what came; the next batch of the partition waits for it
 * @throws the client's error where it cannot go on, and what `each` throws
 */
export async function scanTopic(
  connection: KafkaConnection,
  topic: string,
  ranges: ReadonlyMap<number, OffsetRange>,
  each: (partition: number, records: readonly ConsumedRecord[]) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const scan = new TopicScan(connection, topic, ranges, each);
  if (scan.isThrough || signal?.aborted === true) return;
  await scan.run(signal);
}

class TopicScan {
  /** By partition: the next offset that is wanted. */
  private readonly next: Map<number, number>;
  private readonly consumer: Consumer;
  private heardAt = performance.now();
  private end!: (error?: Error) => void;

  constructor(
    connection: KafkaConnection,
    private readonly topic: string,
    private readonly ranges: ReadonlyMap<number, OffsetRange>,
    private readonly each: (partition: number, records: readonly ConsumedRecord[]) => Promise<void>,
  ) {
    registerCodecs();
    this.next = new Map([...ranges].filter(([, { from, to }]) => from < to).map(([p, { from }]) => [p, from]));
    this.consumer = createKafka(connection, 'click-worker-cli').consumer({
      groupId: `click-worker-cli-${randomUUID()}`,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 100,
      maxBytesPerPartition: FETCH_BYTES_PER_PARTITION,
      retry: { initialRetryTime: 200, maxRetryTime: 2_000, retries: 5, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  get isThrough(): boolean {
    return this.next.size === 0;
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      this.end = (error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    ended.catch(() => undefined); // it may fail before anybody waits for it
    const stop = (): void => {
      this.end();
    };
    signal?.addEventListener('abort', stop);
    const watch = setInterval(() => {
      if (performance.now() - this.heardAt > SILENCE_MS) this.end(new Error(this.silence()));
    }, 1_000);
    try {
      this.listen();
      await this.consumer.connect();
      await this.consumer.subscribe({ topic: this.topic, fromBeginning: true });
      await this.consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        partitionsConsumedConcurrently: 3,
        eachBatch: ({ batch }) => this.take(batch),
      });
      await ended;
    } finally {
      clearInterval(watch);
      signal?.removeEventListener('abort', stop);
      await this.consumer.disconnect().catch(() => undefined);
    }
  }

  private listen(): void {
    const { events } = this.consumer;
    this.consumer.on(events.GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      for (const partition of payload.memberAssignment[this.topic] ?? []) {
        const offset = this.next.get(partition);
        if (offset === undefined) this.consumer.pause([{ topic: this.topic, partitions: [partition] }]);
        else this.consumer.seek({ topic: this.topic, partition, offset: String(offset) });
      }
    });
    this.consumer.on(events.CRASH, ({ payload }: ConsumerCrashEvent) => {
      this.end(payload.error);
    });
    // A batch of nothing but control or aborted records is not handed over.
    this.consumer.on(events.END_BATCH_PROCESS, ({ payload }: ConsumerEndBatchProcessEvent) => {
      if (payload.batchSize === 0) this.reached(payload.partition, Number(payload.lastOffset) + 1);
    });
  }

  /** kafkajs tries what throws here again, from the start of the batch; so nothing may. */
  private async take(batch: Batch): Promise<void> {
    const { partition, messages } = batch;
    const next = this.next.get(partition);
    const to = this.ranges.get(partition)?.to;
    if (next === undefined || to === undefined) return;
    // What was fetched before the partition was sought is from before it.
    const wanted = messages.filter(({ offset }) => Number(offset) >= next && Number(offset) < to);
    this.heardAt = performance.now();
    try {
      if (wanted.length > 0)
        await this.each(
          partition,
          wanted.map((message) => toConsumedRecord(this.topic, partition, message)),
        );
      this.reached(partition, Number(batch.lastOffset()) + 1);
    } catch (error) {
      this.end(error as Error);
    }
  }

  private reached(partition: number, offset: number): void {
    this.heardAt = performance.now();
    const next = this.next.get(partition);
    if (next === undefined || offset <= next) return;
    if (offset < (this.ranges.get(partition)?.to ?? 0)) {
      this.next.set(partition, offset);
      return;
    }
    this.next.delete(partition);
    this.consumer.pause([{ topic: this.topic, partitions: [partition] }]);
    if (this.isThrough) this.end();
  }

  private silence(): string {
    const open = [...this.next].map(([partition, offset]) => `${this.topic}:${partition}:${offset}`);
    return `nothing came for ${SILENCE_MS / 1_000} s, of an open transaction perhaps; still wanted from ${open.join(', ')}`;
  }
}
