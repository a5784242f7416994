import { Logger } from '@nestjs/common';
import type {
  Consumer,
  ConsumerCrashEvent,
  ConsumerEndBatchProcessEvent,
  ConsumerEvents,
  ConsumerGroupJoinEvent,
  EachBatchPayload,
  Kafka,
  ValueOf,
} from 'kafkajs';
import type { TransportLimits } from './limits.js';
import { subscribedAssigner } from './subscribed-assigner.js';

/** Why a consumer came to its end. */
export type RunEnd =
  | { readonly kind: 'crashed'; readonly error: Error }
  | { readonly kind: 'stuck' }
  | { readonly kind: 'halted' }
  | { readonly kind: 'closed' };

export interface RunListener {
  /** Before the first fetch of an assignment; must not wait. */
  joined(run: ConsumerRun, assignment: Readonly<Record<string, number[]>>): void;
  /** The group is about to be shared out anew: the last moment to commit. */
  rebalancing(): void;
  batch(payload: EachBatchPayload): Promise<void>;
  /** A fetch brought only control or aborted records. */
  nothingUpTo(topic: string, partition: number, offset: number): void;
}

/** Between a consumer's stop and the word that it crashed it only closes its connections. */
const EXPLANATION_MS = 5_000;

/**
 * One kafkajs consumer from its making to its end. kafkajs may give a consumer up for good, restart it, or fall silent;
 * here each of these is an end, and whoever owns the group builds the next one.
 */
export class ConsumerRun {
  readonly ended: Promise<RunEnd>;
  readonly consumer: Consumer;
  private readonly logger = new Logger(ConsumerRun.name);
  private end!: (end: RunEnd) => void;
  private over = false;
  private joined = false;
  private activeAt = Date.now();
  /** Settles when the first join has succeeded or failed; undefined until it is asked for. */
  private joining: Promise<void> | undefined;
  private readonly watchdog: NodeJS.Timeout;
  private unexplained: NodeJS.Timeout | undefined;

  constructor(
    kafka: Kafka,
    private readonly group: string,
    private readonly topics: readonly string[],
    private readonly limits: TransportLimits,
    /** Live records wait for its rebalances. */
    isLive: boolean,
    private readonly listener: RunListener,
  ) {
    this.ended = new Promise((resolve) => {
      this.end = (end) => {
        this.over = true;
        clearInterval(this.watchdog);
        clearTimeout(this.unexplained);
        resolve(end);
      };
    });
    this.consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: limits.sessionTimeoutMs,
      heartbeatInterval: isLive ? limits.heartbeatOfLiveMs : limits.heartbeatMs,
      partitionAssigners: [subscribedAssigner],
      metadataMaxAge: limits.metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: isLive ? limits.fetchWaitOfLiveMs : limits.fetchWaitMs,
      maxBytesPerPartition: limits.fetchBytesPerPartition,
      retry: { initialRetryTime: 200, maxRetryTime: 2_000, retries: 5, restartOnFailure: () => Promise.resolve(false) },
    });
    this.listen();
    this.watchdog = setInterval(() => {
      if (Date.now() - this.activeAt > limits.rebuildAfterMs) this.end({ kind: 'stuck' });
    }, 1_000);
  }

  get hasJoined(): boolean {
    return this.joined;
  }

  /** In its group, and a fetch was made not long ago. */
  get isActive(): boolean {
    return this.joined && !this.over && Date.now() - this.activeAt < this.limits.stuckAfterMs;
  }

  async start(): Promise<void> {
    await this.consumer.connect();
    // Where a group starts is decided and committed before; `latest` would lose what comes before the first commit.
    if (!this.over) await this.consumer.subscribe({ topics: [...this.topics], fromBeginning: true });
    if (this.over) return this.consumer.disconnect(); // the one that `stop` asked for may have come before the connection
    this.joining = this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: this.limits.partitionsAtOnce,
      eachBatch: (payload) => this.handle(payload),
    });
    await this.joining;
  }

  /** Nothing may get out: kafkajs stops for good on a TypeError and retries others without an end. */
  private async handle(payload: EachBatchPayload): Promise<void> {
    if (this.over) return;
    try {
      await this.listener.batch(payload);
    } catch (error) {
      this.crash(error as Error);
    }
  }

  crash(error: Error): void {
    this.end({ kind: 'crashed', error });
  }

  halt(): void {
    this.end({ kind: 'halted' });
  }

  close(): void {
    this.end({ kind: 'closed' });
  }

  /**
   * Leaves the group, at once or as soon as a join that is under way has ended: `disconnect` before that would only close the
   * connections, and the broker would give partitions to a member that is gone, for a session.
   */
  async stop(deadline: number): Promise<void> {
    this.end({ kind: 'closed' });
    const disconnected = Promise.resolve(this.joining)
      .catch(() => undefined)
      .then(() => this.consumer.disconnect())
      .catch((error: unknown) => {
        this.logger.debug({ msg: 'disconnect failed', group: this.group, error: String(error) });
      });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.max(0, deadline - Date.now()))));
    await Promise.race([disconnected, late]);
    clearTimeout(timer);
  }

  pause(topic: string, partition: number): void {
    this.steer(() => {
      this.consumer.pause([{ topic, partitions: [partition] }]);
    });
  }

  resume(topic: string, partition: number): void {
    this.steer(() => {
      this.consumer.resume([{ topic, partitions: [partition] }]);
    });
  }

  seek(topic: string, partition: number, offset: number): void {
    this.steer(() => {
      this.consumer.seek({ topic, partition, offset: String(offset) });
    });
  }

  /** kafkajs throws when it is asked while it crashes; the next consumer is steered anew. */
  private steer(change: () => void): void {
    try {
      change();
    } catch (error) {
      this.logger.debug({ msg: 'consumer cannot be steered', group: this.group, error: String(error) });
    }
  }

  private listen(): void {
    const { events } = this.consumer;
    this.on(events.GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      this.joined = true;
      if (!this.over) this.listener.joined(this, payload.memberAssignment);
    });
    this.on(events.CRASH, ({ payload }: ConsumerCrashEvent) => {
      this.end({ kind: 'crashed', error: payload.error });
    });
    this.on(events.STOP, () => {
      // A crash stops the consumer first and says what it was after that.
      this.unexplained ??= setTimeout(() => {
        this.crash(new Error('the consumer stopped by itself'));
      }, EXPLANATION_MS);
    });
    this.on(events.REBALANCING, () => {
      if (!this.over) this.listener.rebalancing();
    });
    this.on(events.FETCH, () => undefined);
    this.on(events.END_BATCH_PROCESS, ({ payload }: ConsumerEndBatchProcessEvent) => {
      const { topic, partition, batchSize, lastOffset } = payload;
      if (batchSize === 0 && !this.over) this.listener.nothingUpTo(topic, partition, Number(lastOffset) + 1);
    });
  }

  /** Every event is a sign of life. A listener that throws would end the consumer. */
  private on(event: ValueOf<ConsumerEvents>, listener: (event: never) => void): void {
    this.consumer.on(event, (happened) => {
      this.activeAt = Date.now();
      try {
        listener(happened as never);
      } catch (error) {
        this.end({ kind: 'crashed', error: error as Error });
      }
    });
  }
}
