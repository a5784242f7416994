import type { Batch, KafkaMessage } from 'kafkajs';
import { classify, type Failure } from '../classify.js';
import { detached, toConsumedRecord, type ConsumedRecord } from './consumed-record.js';
import type { TransportLimits } from './limits.js';
import { PartitionProgress, type ProgressSlot } from './partition-progress.js';
import type { RecordOutcome } from './record-context.js';
import { RetryQueue } from './retry-queue.js';

/** What a partition needs of its group. */
export interface PipelineGroup {
  readonly limits: TransportLimits;
  /** So many records of each partition may be under way. */
  readonly underWayRecords: number;
  /** Only one record at a time may be tried. */
  readonly isProbing: boolean;
  /** None may be tried: the consumer is about to leave. */
  readonly isHalted: boolean;
  /** Reads and handles a record; undefined where it is to be skipped. Settles with the outcome, throws what went wrong. */
  handle(record: ConsumedRecord): Promise<RecordOutcome> | undefined;
  /** Resolves when the dead letter is safe. */
  bury(record: ConsumedRecord, failure: Failure & { kind: 'poison' }): Promise<void>;
  /** A record's last unclassified failure: whether it may be buried; halts the group where that was one too many. */
  exhausted(record: ConsumedRecord, message: string): 'bury' | 'keep';
  /** A handler was able to do its work. */
  handled(): void;
  retried(record: ConsumedRecord, failure: Failure, pauseMs: number): void;
  settled(record: ConsumedRecord, outcome: RecordOutcome): void;
  /** Only a bug comes here. */
  broken(error: unknown): void;
}

/** Records whose handlers were started together. */
interface Chunk {
  readonly startedAt: number;
  remaining: number;
  /** Took too long: what is left of it no longer counts as under way. */
  parked: boolean;
}

interface Task {
  record: ConsumedRecord;
  readonly slot: ProgressSlot;
  chunk: Chunk | undefined;
  /** How often it failed, of either kind. */
  transient: number;
  unclassified: number;
}

/**
 * One assignment of a partition, from its start to its end. A record is *queued*, *under way* (its handler runs), *parked* (it takes
 * long, or waits for its next attempt) or *settled* (handled, skipped, or safe among the dead letters). An outage,
 * when one record after the other fails and none is settled, closes the door for new ones until the next attempt.
 */
export class PartitionPipeline {
  readonly progress: PartitionProgress;
  /** The offset after the newest record of the partition, as of the last fetch. */
  highWatermark: number;
  /** Taken over from kafkajs, not started yet. */
  private readonly queue: { message: KafkaMessage; slot: ProgressSlot }[] = [];
  /** Those under way, oldest first. */
  private readonly chunks = new Set<Chunk>();
  private readonly retries = new RetryQueue<Task>((tasks) => {
    this.startAgain(tasks);
  });
  private underWay = 0;
  private parked = 0;
  private outage = false;
  /** Records that failed for the first time, since one was settled. */
  private newFailures = 0;
  private draining = false;
  private closed = false;
  private lookTimer: NodeJS.Timeout | undefined;
  private nextChunk: NodeJS.Immediate | undefined;
  private readonly roomWaiters = new Set<() => void>();

  constructor(
    private readonly group: PipelineGroup,
    readonly topic: string,
    readonly partition: number,
    startOffset: number,
  ) {
    this.progress = new PartitionProgress(startOffset);
    this.highWatermark = startOffset;
  }

  /** Late results of a closed pipeline neither count nor commit: the partition may be somebody else's by now. */
  close(): void {
    this.closed = true;
    this.retries.clear();
    clearTimeout(this.lookTimer);
    clearImmediate(this.nextChunk);
    this.wake();
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Takes records: neither closed nor on its way there. */
  get isOpen(): boolean {
    return !this.draining && !this.closed;
  }

  /** Starts nothing more, until nothing is under way; records that wait for their next attempt do not count. */
  async drain(deadline: number): Promise<void> {
    this.draining = true;
    while (this.underWay + this.parked - this.retries.size > 0 && Date.now() < deadline && !this.closed) {
      await this.change(deadline - Date.now());
    }
  }

  /**
   * Takes a batch over, and starts what there is room for. Returns whether most of it was started before the deadline;
   * if not, the partition is better paused: whoever waits here keeps the fetch of all other partitions waiting.
   */
  async admit(batch: Batch, deadline: number): Promise<boolean> {
    this.highWatermark = Number(batch.highWatermark);
    for (const message of batch.messages) {
      this.queue.push({ message, slot: this.progress.received(Number(message.offset), Number(message.timestamp)) });
    }
    this.progress.reachedEnd(Number(batch.lastOffset()) + 1);
    this.startQueued();
    return this.wantsMore(deadline);
  }

  /** Resolves when the next batch may come, or with false at the deadline. */
  async wantsMore(deadline: number): Promise<boolean> {
    while (this.queue.length > this.group.limits.queuedRecords) {
      const left = deadline - Date.now();
      if (left <= 0 || this.draining || this.closed) return false;
      await this.change(Math.min(left, 100));
      this.startQueued();
    }
    return this.isOpen;
  }

  private hasRoom(): boolean {
    if (this.outage || this.group.isHalted || !this.isOpen) return false;
    if (this.group.isProbing) return this.underWay + this.parked === 0;
    const { limits } = this.group;
    // Started ones only: one of them is the lowest, which makes room when it is settled.
    if (this.progress.uncommitted - this.queue.length >= limits.uncommittedRecords) return false;
    if (this.underWay > this.roomFrom) this.parkSlowChunks();
    return this.underWay <= this.roomFrom && this.parked < limits.parkedRecords;
  }

  /** With so many under way there is room for one more chunk. */
  private get roomFrom(): number {
    return Math.max(0, this.group.underWayRecords - this.group.limits.chunkRecords);
  }

  /** One chunk in each turn of the event loop, so that answers and timers are seen to between them. */
  private startQueued(): void {
    if (this.queue.length === 0 || this.nextChunk !== undefined) return;
    if (!this.hasRoom()) {
      this.lookAgain();
      return;
    }
    const queued = this.queue.splice(0, this.group.isProbing ? 1 : this.group.limits.chunkRecords);
    if (this.queue.length > 0) {
      this.nextChunk = setImmediate(() => {
        this.nextChunk = undefined;
        this.startQueued();
      });
    }
    const chunk = this.openChunk(queued.length);
    for (const { message, slot } of queued) {
      const record = toConsumedRecord(this.topic, this.partition, message);
      this.start({ record, slot, chunk, transient: 0, unclassified: 0 });
    }
  }

  /** Nothing may settle for long (all of it waits for one locked row, say): the queue must not wait for that. */
  private lookAgain(): void {
    if (this.closed || this.draining) return;
    this.lookTimer ??= setTimeout(() => {
      this.lookTimer = undefined;
      this.startQueued();
    }, this.group.limits.parkAfterMs / 2);
  }

  private startAgain(tasks: Task[]): void {
    this.outage = false; // the next failure closes the door again
    this.parked -= tasks.length;
    const chunk = this.openChunk(tasks.length);
    for (const task of tasks) {
      task.chunk = chunk;
      this.start(task);
    }
    this.wake();
  }

  private openChunk(records: number): Chunk {
    const chunk = { startedAt: Date.now(), remaining: records, parked: false };
    this.chunks.add(chunk);
    this.underWay += records;
    return chunk;
  }

  /** What becomes of a record: skipped, settled, poison, transient, or for now unclassified. */
  private start(task: Task): void {
    try {
      const handling = this.group.handle(task.record);
      if (handling === undefined) {
        this.settle(task, 'skipped');
        return;
      }
      // Callbacks, not an async function a level: thousands of records wait here, and what each holds is copied by the
      // garbage collector again and again.
      handling
        .then(
          (outcome) => {
            this.succeed(task, outcome);
          },
          (error: unknown) => this.fail(task, classify(error)),
        )
        .catch((error: unknown) => {
          this.group.broken(error);
        });
    } catch (error) {
      void this.refuse(task, error);
    }
  }

  private succeed(task: Task, outcome: RecordOutcome): void {
    if (this.closed) return;
    this.group.handled();
    this.settle(task, outcome);
  }

  /** A handler was called, and threw. */
  private async fail(task: Task, failure: Failure): Promise<void> {
    if (this.closed) return;
    switch (failure.kind) {
      case 'poison':
        // It knew what was wrong with the record: it works.
        this.group.handled();
        return this.bury(task, failure);
      case 'transient':
        this.retryWhenBack(task, failure);
        return;
      case 'unclassified':
        return this.retryOrGiveUp(task, failure);
    }
  }

  /** The record could not even be read, which says nothing about the handler; any other error here is a bug of ours. */
  private async refuse(task: Task, error: unknown): Promise<void> {
    const failure = classify(error);
    try {
      if (failure.kind !== 'poison') throw error;
      await this.bury(task, failure);
    } catch (bug) {
      this.group.broken(bug);
    }
  }

  private async bury(task: Task, failure: Failure & { kind: 'poison' }): Promise<void> {
    try {
      await this.group.bury(task.record, failure);
    } catch (error) {
      // A dead letter that nobody took is not safe: the record stays where it is and is tried again.
      if (!this.closed) this.retryWhenBack(task, { kind: 'transient', message: classify(error).message });
      return;
    }
    if (!this.closed) this.settle(task, 'dead');
  }

  private retryWhenBack(task: Task, failure: Failure): void {
    // One that failed before says nothing new: it may be its own row alone that is locked.
    if (task.transient === 0 && ++this.newFailures >= this.group.limits.outageAfter) this.outage = true;
    this.retryLater(task, failure, ++task.transient);
  }

  private async retryOrGiveUp(task: Task, { message }: Failure): Promise<void> {
    task.unclassified++;
    if (task.unclassified < this.group.limits.unclassifiedAttempts) {
      this.retryLater(task, { kind: 'unclassified', message }, task.unclassified);
    } else if (this.group.exhausted(task.record, message) === 'bury') {
      await this.bury(task, { kind: 'poison', code: 'HANDLER_ERROR', message });
    } else {
      // Stays uncommitted: the halted group reads it again when it probes.
      this.leaveChunk(task);
    }
  }

  private retryLater(task: Task, failure: Failure, attempt: number): void {
    const { retryFirstMs, retryMaxMs } = this.group.limits;
    const pauseMs = Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(attempt - 1, 20));
    task.record = detached(task.record);
    this.leaveChunk(task);
    this.parked++;
    this.group.retried(task.record, failure, pauseMs);
    this.retries.add(task, pauseMs);
    this.wake();
  }

  private settle(task: Task, outcome: RecordOutcome): void {
    this.progress.settle(task.slot);
    this.leaveChunk(task);
    this.newFailures = 0;
    if (this.outage) {
      this.outage = false;
      this.wake();
    }
    this.group.settled(task.record, outcome);
  }

  private leaveChunk({ chunk }: Task): void {
    if (chunk === undefined) return;
    chunk.remaining--;
    if (chunk.parked) this.parked--;
    else this.underWay--;
    if (chunk.remaining === 0) this.chunks.delete(chunk);
    if (chunk.remaining === 0 || this.underWay === this.roomFrom) this.wake();
  }

  private parkSlowChunks(): void {
    const before = Date.now() - this.group.limits.parkAfterMs;
    for (const chunk of this.chunks) {
      if (chunk.startedAt > before) break;
      chunk.parked = true;
      this.chunks.delete(chunk);
      this.underWay -= chunk.remaining;
      this.parked += chunk.remaining;
    }
  }

  /** Something ended: there may be room for what is queued, and who waits may go on. */
  private wake(): void {
    this.startQueued();
    for (const waiter of this.roomWaiters) waiter();
  }

  /** Resolves at the next change of what is under way, or after `ms`. */
  private change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.roomWaiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.roomWaiters.add(done);
    });
  }
}
