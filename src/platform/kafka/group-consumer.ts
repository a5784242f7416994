import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { Batch, EachBatchPayload, Kafka } from 'kafkajs';
import { AssignmentStarts } from './assignment.js';
import { isConsumerFault } from './consumer-fault.js';
import { ConsumerRun, type RunEnd } from './consumer-run.js';
import { GroupCommitter } from './group-committer.js';
import { HaltGuard } from './halt-guard.js';
import type { TransportLimits } from './limits.js';
import type { LostOffsets, PartitionLag } from './observer.js';
import { PartitionPipeline } from './partition-pipeline.js';
import { RecordRunner, type RunnerParts } from './record-runner.js';

/** Of the time to stop, what is kept to commit and leave: a member that just ends holds its partitions for a session. */
const LEAVE_SHARE = 0.2;

/** `ready` needs every group `joined`; `beyond repair` ends the process. */
export type GroupState = 'starting' | 'joined' | 'stuck' | 'halted' | 'beyond repair' | 'closed';

export interface GroupParts extends RunnerParts {
  readonly createKafka: () => Kafka;
  /** Waits for the topic, and decides where the group starts; the offsets of its first start come back. */
  readonly prepare: (signal: AbortSignal) => Promise<Map<number, number>>;
  readonly starts: ConstructorParameters<typeof AssignmentStarts>[2];
  readonly limits: TransportLimits;
  readonly fatal: (error: Error) => void;
}

/**
 * Keeps one consumer group's member alive: builds it, hands its batches to the pipelines of its partitions, commits what
 * they settled, builds it anew when kafkajs gave it up, and halts it when nothing it does succeeds.
 */
export class GroupConsumer {
  private readonly logger = new Logger(GroupConsumer.name);
  private readonly pipelines = new Map<number, PartitionPipeline>();
  private readonly committer: GroupCommitter;
  private readonly guard: HaltGuard;
  private readonly runner: RecordRunner;
  private readonly closing = new AbortController();
  private run: ConsumerRun | undefined;
  private assignments: AssignmentStarts | undefined;
  /** Up to where each partition's last loss was told. */
  private readonly toldLost = new Map<number, number>();
  private generation = 0;
  private ended: GroupState | undefined;
  private halted = false;
  private supervision: Promise<void> | undefined;

  constructor(
    readonly group: string,
    readonly topic: string,
    private readonly parts: GroupParts,
  ) {
    this.guard = new HaltGuard(parts.limits.haltAfter);
    this.committer = new GroupCommitter(group, parts.limits.commitEveryMs, () => this.pipelines.values());
    this.runner = new RecordRunner(group, topic, parts, this.guard, {
      settled: () => {
        this.committer.schedule();
      },
      halt: () => {
        this.halt();
      },
      resumed: () => {
        this.resume();
      },
      consumer: () => this.run?.consumer,
      partitions: () => this.pipelines.size,
    });
  }

  get state(): GroupState {
    if (this.ended !== undefined) return this.ended;
    if (this.halted) return 'halted';
    if (this.run?.isActive) return 'joined';
    return this.generation > 0 ? 'stuck' : 'starting';
  }

  start(): void {
    this.supervision = this.supervise().catch((error: unknown) => {
      this.giveUp(error as Error);
    });
  }

  /** Takes no new records, settles and commits what is in hand until `deadline`, and leaves the group. */
  async close(deadline: number): Promise<void> {
    this.closing.abort();
    await this.wind(deadline);
    this.run?.close();
    await Promise.race([this.supervision, pause(Math.max(0, deadline - Date.now()), undefined, { ref: false })]);
    this.ended ??= 'closed';
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

  private async supervise(): Promise<void> {
    const { limits } = this.parts;
    for (let failures = 0, faults = 0; !this.closing.signal.aborted;) {
      const before = this.generation;
      const startedAt = Date.now();
      const end = await this.runOnce();
      if (this.generation > before) failures = 0;
      // Not at a join: one that cannot read its first batch joins every time.
      if (Date.now() - startedAt > limits.soundAfterMs) faults = 0;
      // It may have crashed while it was about to halt.
      if (end.kind === 'halted' || this.guard.isHalted) {
        await this.wait(limits.probeEveryMs);
        this.guard.probe();
      } else if (end.kind === 'crashed') {
        if (isConsumerFault(end.error) && ++faults >= limits.rebuildAttempts) throw end.error;
        const doublings = Math.min(Math.max(failures++, faults - 1), 10);
        const pauseMs = Math.min(limits.rebuildMaxMs, limits.rebuildFirstMs * 2 ** doublings);
        this.logger.warn({
          msg: 'consumer is not running, trying again',
          ...this.names,
          pauseMs,
          error: end.error.message,
        });
        await this.wait(pauseMs);
      } else if (end.kind === 'stuck') {
        this.logger.warn({ msg: 'consumer fell silent, building a new one', ...this.names });
      }
    }
  }

  /** One consumer, from its preparations until it has left its group. */
  private async runOnce(): Promise<RunEnd> {
    const { limits, createKafka, prepare, starts } = this.parts;
    try {
      const decided = await prepare(this.closing.signal);
      if (this.closing.signal.aborted) return { kind: 'closed' };
      const kafka = createKafka();
      this.assignments = new AssignmentStarts(kafka, this.group, starts, (lost) => {
        this.tellLost(lost);
      });
      this.assignments.decided(this.topic, decided);
      const run: ConsumerRun = new ConsumerRun(kafka, this.group, this.topic, limits, {
        joined: (assignment) => {
          this.assigned(run, assignment[this.topic] ?? []);
        },
        rebalancing: () => void this.committer.flush(),
        batch: (payload) => this.onBatch(run, payload),
        nothingUpTo: (_topic, partition, offset) => {
          this.pipelines.get(partition)?.progress.reachedEnd(offset);
          this.committer.schedule();
        },
      });
      this.run = run;
      await run.start().catch((error: unknown) => {
        run.crash(error as Error);
      });
      const end = await run.ended;
      // A halted group first brings home what it still has in hand: its dead letters are not to be written twice.
      if (end.kind === 'halted') await this.wind(Date.now() + limits.drainMs);
      this.dropPipelines();
      this.committer.use(undefined);
      await run.stop(Date.now() + limits.drainMs);
      return end;
    } catch (error) {
      return { kind: 'crashed', error: error as Error };
    }
  }

  private assigned(run: ConsumerRun, partitions: readonly number[]): void {
    const generation = ++this.generation;
    this.logger.log({ msg: 'consumer joined its group', ...this.names, partitions });
    for (const partition of partitions) run.pause(this.topic, partition);
    const kept = new Map<number, PartitionPipeline>();
    for (const [partition, pipeline] of this.pipelines) {
      if (partitions.includes(partition)) kept.set(partition, pipeline);
      else pipeline.close();
    }
    this.pipelines.clear();
    const isCurrent = (): boolean => generation === this.generation && this.run === run;
    this.takeOver(run, partitions, kept, isCurrent).catch((error: unknown) => {
      if (isCurrent()) run.crash(error as Error);
    });
  }

  /** Finds where to begin, opens a pipeline for each partition and lets it be fetched. */
  private async takeOver(
    run: ConsumerRun,
    partitions: readonly number[],
    kept: ReadonlyMap<number, PartitionPipeline>,
    isCurrent: () => boolean,
  ): Promise<void> {
    const deadline = Date.now() + this.parts.limits.handOverMs;
    await Promise.all([...kept.values()].map((pipeline) => pipeline.drain(deadline)));
    const starts = partitions.length === 0 ? [] : await this.assignments?.of(this.topic, partitions);
    for (const pipeline of kept.values()) pipeline.close();
    if (!isCurrent()) return;
    for (const { partition, offset, committed, high } of starts ?? []) {
      // What this very member settled before the rebalance is settled, though it could not be committed any more.
      const settled = kept.get(partition)?.progress.committable ?? 0;
      this.open(partition, settled <= high ? Math.max(offset, settled) : offset, committed);
      run.seek(this.topic, partition, this.pipelines.get(partition)?.progress.nextOffset ?? offset);
      run.resume(this.topic, partition);
    }
    // What was settled before the rebalance and refused a commit is due now, though no record may come for a long time.
    this.committer.schedule();
  }

  private open(partition: number, offset: number, committed: number): PartitionPipeline {
    const pipeline = new PartitionPipeline(this.runner, this.topic, partition, offset);
    this.pipelines.get(partition)?.close();
    this.pipelines.set(partition, pipeline);
    this.committer.known(pipeline, committed);
    return pipeline;
  }

  private async onBatch(run: ConsumerRun, payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    this.committer.use((offsets) => payload.commitOffsetsIfNecessary(offsets));
    const pipeline = this.pipelineFor(batch);
    // Not taken over yet: it is paused, and this fetch was on its way before. Unresolved, it comes again.
    if (pipeline === undefined || this.closing.signal.aborted) return;
    // What is taken over is not fetched again while this assignment lasts; the commit goes by what is settled.
    const taken = pipeline.admit(batch, Date.now() + this.parts.limits.holdMs);
    payload.resolveOffset(batch.lastOffset());
    this.committer.schedule();
    if ((await taken) || !pipeline.isOpen) return;
    run.pause(batch.topic, batch.partition);
    void this.resumeWhenRoom(run, pipeline);
  }

  /** The partition's pipeline, after a look at whether the batch follows on what came before. */
  private pipelineFor(batch: Batch): PartitionPipeline | undefined {
    const pipeline = this.pipelines.get(batch.partition);
    const first = Number(batch.firstOffset());
    const expected = pipeline?.progress.nextOffset ?? first;
    if (pipeline === undefined || first === expected) return pipeline;
    if (first < expected) {
      this.logger.warn({
        msg: 'offsets begin anew',
        ...this.names,
        partition: batch.partition,
        expected,
        found: first,
      });
      return this.open(batch.partition, first, -1);
    }
    this.assignments?.checkGap(this.topic, batch.partition, expected, first).catch((error: unknown) => {
      this.logger.warn({ msg: 'gap not looked into', ...this.names, expected, found: first, error: String(error) });
    });
    return pipeline;
  }

  private async resumeWhenRoom(run: ConsumerRun, pipeline: PartitionPipeline): Promise<void> {
    while (!(await pipeline.wantsMore(Date.now() + 60_000))) {
      // One that drains never wants more: asked over and over it would answer at once, and nothing else had its turn.
      if (!pipeline.isOpen || this.closing.signal.aborted) return;
    }
    run.resume(pipeline.topic, pipeline.partition);
  }

  /** Lets what is under way end, then commits it; with some time left to leave the group in. */
  private async wind(deadline: number): Promise<void> {
    const pipelines = [...this.pipelines.values()];
    for (const { topic, partition } of pipelines) this.run?.pause(topic, partition);
    const drainUntil = deadline - this.parts.limits.drainMs * LEAVE_SHARE;
    await Promise.all(pipelines.map((pipeline) => pipeline.drain(drainUntil)));
    await Promise.race([this.committer.flush(), pause(Math.max(0, deadline - Date.now()), undefined, { ref: false })]);
  }

  private dropPipelines(): void {
    this.committer.stop();
    for (const pipeline of this.pipelines.values()) pipeline.close();
    this.pipelines.clear();
  }

  private halt(): void {
    if (!this.halted) this.parts.hooks.halted(this.group, true);
    this.halted = true;
    this.run?.halt();
  }

  private resume(): void {
    this.halted = false;
    this.parts.hooks.halted(this.group, false);
    this.logger.log({ msg: 'consumer resumed', ...this.names });
  }

  /** Once: until a record comes nothing is committed past the loss, and each assignment finds it again. */
  private tellLost(lost: LostOffsets): void {
    const { partition, from, to } = lost;
    if (this.toldLost.get(partition) === to) return;
    this.toldLost.set(partition, to);
    this.logger.error({ msg: 'records were removed before they were read', ...this.names, partition, from, to });
    this.parts.hooks.offsetsLost(lost);
  }

  private giveUp(error: Error): void {
    this.ended = 'beyond repair';
    this.parts.fatal(new Error(`consumer ${this.group} is beyond repair: ${error.message}`, { cause: error }));
  }

  private async wait(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }

  private get names(): { group: string; topic: string } {
    return { group: this.group, topic: this.topic };
  }
}
