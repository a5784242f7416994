import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { AssignedPartitions } from './assigned-partitions.js';
import { AssignmentStarts, type RecordedStarts } from './assignment-starts.js';
import { isConsumerFault } from './consumer-fault.js';
import { ConsumerRun, type RunEnd } from './consumer-run.js';
import { describeKafkaError } from './describe-kafka-error.js';
import type { GroupStarts } from './group-starts.js';
import { HaltGuard } from './halt-guard.js';
import type { LostOffsets, PartitionLag } from './observer.js';
import { RecordRunner, type RunnerParts, type Subscription } from './record-runner.js';

/** `ready` needs every group `joined`; `beyond repair` ends the process. */
export type GroupState = 'starting' | 'joined' | 'stuck' | 'halted' | 'beyond repair' | 'closed';

export interface GroupParts extends RunnerParts {
  readonly createKafka: () => Kafka;
  /** Waits for the topics, and decides where the group starts in each. */
  readonly prepare: (group: string, topics: readonly string[], signal: AbortSignal) => Promise<RecordedStarts>;
  readonly starts: GroupStarts;
}

/**
 * Keeps one consumer group's member alive, whatever topics it reads: builds it, builds it anew when kafkajs gave it up, and
 * halts it when nothing it does succeeds. What it is assigned is for `AssignedPartitions`.
 */
export class GroupConsumer {
  private readonly logger = new Logger(GroupConsumer.name);
  private readonly topics: readonly string[];
  private readonly isLive: boolean;
  private readonly guard: HaltGuard;
  private readonly runners: ReadonlyMap<string, RecordRunner>;
  private readonly closing = new AbortController();
  private readonly closed = new Promise<undefined>((resolve) => {
    this.closing.signal.addEventListener('abort', () => {
      resolve(undefined);
    });
  });
  private run: ConsumerRun | undefined;
  private assigned: AssignedPartitions | undefined;
  /** Up to where each partition's last loss was told. */
  private readonly toldLost = new Map<string, number>();
  /** One of the earlier consumers has. */
  private hasJoined = false;
  private ended: GroupState | undefined;
  private halted = false;
  private supervision: Promise<void> | undefined;

  constructor(
    readonly group: string,
    subscriptions: readonly Subscription[],
    private readonly parts: GroupParts,
  ) {
    this.topics = subscriptions.map(({ topic }) => topic);
    this.isLive = subscriptions.some(({ priority }) => priority === 'live');
    this.guard = new HaltGuard(parts.limits.haltAfter);
    const owner = {
      settled: () => this.assigned?.settled(),
      halt: () => {
        this.halt();
      },
      resumed: () => {
        this.resume();
      },
      consumer: () => this.run?.consumer,
      partitions: () => this.assigned?.count ?? 0,
    };
    this.runners = new Map(
      subscriptions.map((each) => [each.topic, new RecordRunner(group, each, parts, this.guard, owner)]),
    );
  }

  get state(): GroupState {
    if (this.ended !== undefined) return this.ended;
    if (this.halted) return 'halted';
    if (this.run?.isActive) return 'joined';
    return this.hasJoined || this.run?.hasJoined ? 'stuck' : 'starting';
  }

  start(): void {
    this.supervision = this.supervise().catch((error: unknown) => {
      this.giveUp(error as Error);
    });
  }

  /** Takes no new records, settles and commits what is in hand until `deadline`, and leaves the group. */
  async close(deadline: number): Promise<void> {
    this.closing.abort();
    await this.assigned?.wind(deadline);
    this.run?.close();
    await Promise.race([this.supervision, pause(Math.max(0, deadline - Date.now()), undefined, { ref: false })]);
    this.ended ??= 'closed';
  }

  lags(): PartitionLag[] {
    return this.assigned?.lags() ?? [];
  }

  private async supervise(): Promise<void> {
    const { limits } = this.parts;
    for (let failures = 0, faults = 0; !this.isClosing();) {
      const startedAt = Date.now();
      const end = await this.runOnce();
      // What fails while the Worker stops is not tried again, and says nothing.
      if (this.isClosing()) return;
      if (this.run?.hasJoined) {
        this.hasJoined = true;
        failures = 0;
      }
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
          error: describeKafkaError(end.error),
        });
        await this.wait(pauseMs);
      } else if (end.kind === 'stuck') {
        this.logger.warn({ msg: 'consumer fell silent, building a new one', ...this.names });
      }
    }
  }

  /** One consumer, from its preparations until it has left its group. */
  private async runOnce(): Promise<RunEnd> {
    const { group, topics, runners } = this;
    const { limits, createKafka, prepare, tracing } = this.parts;
    const closing = this.closing.signal;
    this.run = undefined;
    try {
      // Preparations ask servers that may be away or hang: the end of the process does not wait for their answers.
      const recorded = await Promise.race([prepare(group, topics, closing), this.closed]);
      if (recorded === undefined) return { kind: 'closed' };
      const kafka = createKafka();
      const starts = new AssignmentStarts(kafka, group, this.parts.starts, recorded, (lost) => {
        this.tellLost(lost);
      });
      const assigned = new AssignedPartitions(group, { limits, starts, runners, closing, tracing });
      const run = new ConsumerRun(kafka, group, topics, limits, this.isLive, assigned);
      this.assigned = assigned;
      this.run = run;
      run.start().catch((error: unknown) => {
        run.crash(error as Error);
      });
      const end = await run.ended;
      // A halted group first brings home what it still has in hand: its dead letters are not to be written twice.
      if (end.kind === 'halted') await assigned.wind(Date.now() + limits.drainMs);
      assigned.drop();
      await run.stop(Date.now() + limits.drainMs);
      return end;
    } catch (error) {
      return { kind: 'crashed', error: error as Error };
    }
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
    const { topic, partition, from, to } = lost;
    const name = `${topic}:${partition}`;
    if (this.toldLost.get(name) === to) return;
    this.toldLost.set(name, to);
    const { group } = this;
    this.logger.error({ msg: 'records were removed before they were read', group, topic, partition, from, to });
    this.parts.hooks.offsetsLost(lost);
  }

  private giveUp(error: Error): void {
    this.ended = 'beyond repair';
    this.parts.fatal(
      new Error(`consumer ${this.group} is beyond repair: ${describeKafkaError(error)}`, { cause: error }),
    );
  }

  /** A method: the compiler would take a property that it has looked at for unchanged after an `await`. */
  private isClosing(): boolean {
    return this.closing.signal.aborted;
  }

  private async wait(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }

  private get names(): { group: string; topics: readonly string[] } {
    return { group: this.group, topics: this.topics };
  }
}
