import { Logger } from '@nestjs/common';
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Batch, EachBatchPayload } from 'kafkajs';
import type { AssignmentStarts } from './assignment-starts.js';
import type { ConsumerRun, RunListener } from './consumer-run.js';
import { GroupCommitter } from './group-committer.js';
import type { TransportLimits } from './limits.js';
import type { PartitionLag } from './observer.js';
import { PartitionPipeline } from './partition-pipeline.js';
import type { PipelineGroup } from './pipeline-group.js';
import type { RecordTracing } from './record-tracing.js';

/** Of the time to stop, what is kept to commit and leave: a member that just ends holds its partitions for a session. */
const LEAVE_SHARE = 0.2;

interface AssignmentParts {
  readonly limits: TransportLimits;
  readonly starts: AssignmentStarts;
  /** What happens to the records of a topic. */
  readonly runners: ReadonlyMap<string, PipelineGroup>;
  /** Aborted when the process stops. */
  readonly closing: AbortSignal;
  readonly tracing: RecordTracing | undefined;
}

const nameOf = (topic: string, partition: number): string => `${topic}:${partition}`;

/**
 * The partitions that one consumer was given, of all topics of its group: a pipeline for each, taken over anew at every
 * rebalance, and the commits of what they settled.
 */
export class AssignedPartitions implements RunListener {
  private readonly logger = new Logger(AssignedPartitions.name);
  private readonly pipelines = new Map<string, PartitionPipeline>();
  private readonly committer: GroupCommitter;
  private run: ConsumerRun | undefined;
  /** One more with each assignment: what an older one still had under way no longer counts. */
  private generation = 0;

  constructor(
    private readonly group: string,
    private readonly parts: AssignmentParts,
  ) {
    this.committer = new GroupCommitter(group, parts.limits.commitEveryMs, () => this.pipelines.values());
  }

  get count(): number {
    return this.pipelines.size;
  }

  lags(): PartitionLag[] {
    const now = Date.now();
    return [...this.pipelines.values()].map(({ topic, partition, progress, highWatermark }) => ({
      group: this.group,
      topic,
      partition,
      records: Math.max(0, highWatermark - progress.committable),
      seconds: progress.oldestTimestamp === undefined ? 0 : Math.max(0, (now - progress.oldestTimestamp) / 1000),
    }));
  }

  /** A record was settled: its offset is due. */
  settled(): void {
    this.committer.schedule();
  }

  joined(run: ConsumerRun, assignment: Readonly<Record<string, number[]>>): void {
    this.run = run;
    const generation = ++this.generation;
    const places = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    const names = places.map(({ topic, partition }) => nameOf(topic, partition));
    this.logger.log({ msg: 'consumer joined its group', group: this.group, partitions: names });
    for (const { topic, partition } of places) run.pause(topic, partition);
    const kept = new Map<string, PartitionPipeline>();
    for (const [name, pipeline] of this.pipelines) {
      if (names.includes(name)) kept.set(name, pipeline);
      else pipeline.close();
    }
    this.pipelines.clear();
    const isCurrent = (): boolean => generation === this.generation;
    this.takeOver(run, assignment, kept, isCurrent).catch((error: unknown) => {
      for (const pipeline of kept.values()) pipeline.close();
      if (isCurrent()) run.crash(error as Error);
    });
  }

  rebalancing(): void {
    void this.committer.flush();
  }

  nothingUpTo(topic: string, partition: number, offset: number): void {
    this.pipelines.get(nameOf(topic, partition))?.progress.reachedEnd(offset);
    this.committer.schedule();
  }

  batch(payload: EachBatchPayload): Promise<void> {
    const { tracing } = this.parts;
    if (tracing === undefined) return this.take(payload);
    return tracing.receive(payload.batch, this.group, () => this.take(payload));
  }

  private async take(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    this.committer.use((offsets) => payload.commitOffsetsIfNecessary(offsets));
    const pipeline = this.pipelineFor(batch);
    // Not taken over yet: it is paused, and this fetch was on its way before. Unresolved, it comes again.
    if (pipeline === undefined || this.parts.closing.aborted) return;
    // What is taken over is not fetched again while this assignment lasts; the commit goes by what is settled.
    const taken = pipeline.admit(batch, Date.now() + this.parts.limits.holdMs);
    payload.resolveOffset(batch.lastOffset());
    this.committer.schedule();
    if ((await taken) || !pipeline.isOpen) return;
    this.run?.pause(batch.topic, batch.partition);
    void this.resumeWhenRoom(pipeline);
  }

  /** Lets what is under way end, then commits it; with some time left to leave the group in. */
  async wind(deadline: number): Promise<void> {
    const pipelines = [...this.pipelines.values()];
    for (const { topic, partition } of pipelines) this.run?.pause(topic, partition);
    const drainUntil = deadline - this.parts.limits.drainMs * LEAVE_SHARE;
    await Promise.all(pipelines.map((pipeline) => pipeline.drain(drainUntil)));
    await Promise.race([this.committer.flush(), pause(Math.max(0, deadline - Date.now()), undefined, { ref: false })]);
  }

  /** The consumer has come to its end: nothing of this counts any more. */
  drop(): void {
    this.generation++;
    this.committer.stop();
    for (const pipeline of this.pipelines.values()) pipeline.close();
    this.pipelines.clear();
  }

  /** Finds where to begin, opens a pipeline for each partition and lets it be fetched. */
  private async takeOver(
    run: ConsumerRun,
    assignment: Readonly<Record<string, number[]>>,
    kept: ReadonlyMap<string, PartitionPipeline>,
    isCurrent: () => boolean,
  ): Promise<void> {
    const deadline = Date.now() + this.parts.limits.handOverMs;
    const drained = new Map([...kept].map(([name, pipeline]) => [name, pipeline.drain(deadline)]));
    const starts = await this.parts.starts.of(assignment);
    // Each by itself: one whose records take long does not hold up the others.
    const takenOver = starts.map(async ({ topic, partition, offset, committed, high }) => {
      const name = nameOf(topic, partition);
      const before = kept.get(name);
      await drained.get(name);
      before?.close();
      if (!isCurrent()) return;
      // What this very member settled before the rebalance is settled, though it could not be committed any more.
      const settled = before?.progress.committable ?? 0;
      const pipeline = this.open(topic, partition, settled <= high ? Math.max(offset, settled) : offset, committed);
      run.seek(topic, partition, pipeline.progress.nextOffset);
      run.resume(topic, partition);
    });
    await Promise.all(takenOver);
    // What was settled before the rebalance and refused a commit is due now, though no record may come for a long time.
    this.committer.schedule();
  }

  private open(topic: string, partition: number, offset: number, committed: number): PartitionPipeline {
    const runner = this.parts.runners.get(topic);
    assert(runner !== undefined, `${topic} is assigned to ${this.group}, which does not read it`);
    const pipeline = new PartitionPipeline(runner, topic, partition, offset);
    const name = nameOf(topic, partition);
    this.pipelines.get(name)?.close();
    this.pipelines.set(name, pipeline);
    this.committer.known(pipeline, committed);
    return pipeline;
  }

  /** The partition's pipeline, after a look at whether the batch follows on what came before. */
  private pipelineFor(batch: Batch): PartitionPipeline | undefined {
    const { topic, partition } = batch;
    const pipeline = this.pipelines.get(nameOf(topic, partition));
    const first = Number(batch.firstOffset());
    const expected = pipeline?.progress.nextOffset ?? first;
    if (pipeline === undefined || first === expected) return pipeline;
    const place = { group: this.group, topic, partition, expected, found: first };
    if (first < expected) {
      this.logger.warn({ msg: 'offsets begin anew', ...place });
      return this.open(topic, partition, first, -1);
    }
    this.parts.starts.checkGap(topic, partition, expected, first).catch((error: unknown) => {
      this.logger.warn({ msg: 'gap not looked into', ...place, error: String(error) });
    });
    return pipeline;
  }

  private async resumeWhenRoom(pipeline: PartitionPipeline): Promise<void> {
    while (!(await pipeline.wantsMore(Date.now() + 60_000))) {
      // One that drains never wants more: asked over and over it would answer at once, and nothing else had its turn.
      if (!pipeline.isOpen || this.parts.closing.aborted) return;
    }
    this.run?.resume(pipeline.topic, pipeline.partition);
  }
}
