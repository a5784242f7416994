import { Logger } from '@nestjs/common';
import type { OffsetsByTopicPartition } from 'kafkajs';
import type { PartitionPipeline } from './partition-pipeline.js';

export type CommitOffsets = (offsets: OffsetsByTopicPartition) => Promise<void>;

/**
 * Commits what is settled, a few times a second.
 *
 * kafkajs's `consumer.commitOffsets` ends the consumer when it meets a rebalance, and `eachBatch` has long returned when
 * its last record is settled. So the commit function of the last batch is used: it sends one request with the generation
 * of its member and lets the answer through. A commit starts in a timer, never in the middle of a join, so it speaks for
 * the assignment that the pipelines belong to; the broker refuses one that is too late.
 */
export class GroupCommitter {
  private readonly logger = new Logger(GroupCommitter.name);
  private readonly committed = new WeakMap<PartitionPipeline, number>();
  private commitOffsets: CommitOffsets | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly group: string,
    private readonly everyMs: number,
    private readonly pipelines: () => Iterable<PartitionPipeline>,
  ) {}

  /** From now on commits go by this function: it belongs to the consumer that is running. */
  use(commitOffsets: CommitOffsets | undefined): void {
    this.commitOffsets = commitOffsets;
  }

  /** What is committed already, so that an assignment does not begin by committing where it starts. */
  known(pipeline: PartitionPipeline, offset: number): void {
    this.committed.set(pipeline, offset);
  }

  schedule(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, this.everyMs);
  }

  /** Sends what is settled and not yet committed; what the broker refuses is sent again with the next. */
  async flush(): Promise<void> {
    await this.running;
    this.running = this.commit();
    await this.running;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async commit(): Promise<void> {
    const due = [...this.pipelines()].flatMap((pipeline) => {
      const offset = pipeline.progress.committable;
      return !pipeline.isClosed && offset > (this.committed.get(pipeline) ?? -1) ? [{ pipeline, offset }] : [];
    });
    if (due.length === 0 || this.commitOffsets === undefined) return;
    const topics = new Map<string, { partition: number; offset: string }[]>();
    for (const { pipeline, offset } of due) {
      const { topic, partition } = pipeline;
      topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset: String(offset) }]);
    }
    try {
      await this.commitOffsets({ topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) });
      for (const { pipeline, offset } of due) this.committed.set(pipeline, offset);
    } catch (error) {
      // A rebalance or a broker that is away: the records are settled all the same, and repeats are recognised.
      this.logger.debug({ msg: 'commit refused', group: this.group, error: (error as Error).message });
      this.schedule();
    }
  }
}
