import type { Batch, KafkaMessage } from 'kafkajs';
import { toConsumedRecord } from './consumed-record.js';
import { PartitionProgress, type ProgressSlot } from './partition-progress.js';
import type { PipelineGroup } from './pipeline-group.js';
import { RecordAttempts } from './record-attempts.js';
import { UnderWay } from './under-way.js';

/**
 * One assignment of a partition, from its start to its end: takes batches over and starts their records, as many as there is
 * room for. A record is *queued* here until it is started; what becomes of it then is for `RecordAttempts`.
 */
export class PartitionPipeline {
  readonly progress: PartitionProgress;
  /** The offset after the newest record of the partition, as of the last fetch. */
  highWatermark: number;
  /** Taken over from kafkajs, not started yet. */
  private readonly queue: { message: KafkaMessage; slot: ProgressSlot }[] = [];
  private readonly underWay: UnderWay;
  private readonly attempts: RecordAttempts;
  private draining = false;
  private lookTimer: NodeJS.Timeout | undefined;
  private nextChunk: NodeJS.Immediate | undefined;

  constructor(
    private readonly group: PipelineGroup,
    readonly topic: string,
    readonly partition: number,
    startOffset: number,
  ) {
    this.progress = new PartitionProgress(startOffset);
    this.highWatermark = startOffset;
    this.underWay = new UnderWay(group, () => {
      this.startQueued();
    });
    this.attempts = new RecordAttempts(group, this.progress, this.underWay);
  }

  /** Late results of a closed pipeline neither count nor commit: the partition may be somebody else's by now. */
  close(): void {
    this.attempts.close();
    clearTimeout(this.lookTimer);
    clearImmediate(this.nextChunk);
    this.underWay.close();
  }

  get isClosed(): boolean {
    return this.attempts.isClosed;
  }

  /** Takes records: neither closed nor on its way there. */
  get isOpen(): boolean {
    return !this.draining && !this.isClosed;
  }

  /** Starts nothing more, until nothing is under way; records that wait for their next attempt do not count. */
  async drain(deadline: number): Promise<void> {
    this.draining = true;
    while (this.underWay.total > this.attempts.waiting && Date.now() < deadline && !this.isClosed) {
      await this.underWay.change(deadline - Date.now());
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
      if (left <= 0 || !this.isOpen) return false;
      await this.underWay.change(Math.min(left, 100));
      this.startQueued();
    }
    return this.isOpen;
  }

  private hasRoom(): boolean {
    if (this.attempts.isOutage || this.group.isHalted || !this.isOpen) return false;
    if (this.group.isProbing) return this.underWay.total === 0;
    // Started ones only: one of them is the lowest, which makes room when it is settled.
    if (this.progress.uncommitted - this.queue.length >= this.group.limits.uncommittedRecords) return false;
    return this.underWay.hasRoom();
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
    const chunk = this.underWay.open(queued.length);
    for (const { message, slot } of queued) {
      this.attempts.begin(toConsumedRecord(this.topic, this.partition, message), slot, chunk);
    }
  }

  /** Nothing may settle for long (all of it waits for one locked row, say): the queue must not wait for that. */
  private lookAgain(): void {
    if (!this.isOpen) return;
    this.lookTimer ??= setTimeout(() => {
      this.lookTimer = undefined;
      this.startQueued();
    }, this.group.limits.parkAfterMs / 2);
  }
}
