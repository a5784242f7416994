import { Logger } from '@nestjs/common';
import type { Consumer, Producer } from 'kafkajs';
import type { Failure } from '../classify.js';
import { TransientError } from '../failure.js';
import { SKIPPED } from '../events/event-reader.js';
import { Seldom } from '../logging/seldom.js';
import type { ConsumedRecord } from './consumed-record.js';
import { DEAD_LETTER_SUFFIX, deadLetterOf, replayOf, RETRY_SUFFIX } from './dead-letter.js';
import type { DeadLetterProducer } from './dead-letter-producer.js';
import type { HaltGuard } from './halt-guard.js';
import type { TransportLimits } from './limits.js';
import type { TransportHooks } from './observer.js';
import type { PipelineGroup } from './pipeline-group.js';
import { RecordContext, type RecordAttempt, type RecordOutcome, type RecordPriority } from './record-context.js';
import type { RecordHandler } from './record-handler.js';
import type { RecordTracing } from './record-tracing.js';
import { traceIdIn } from './trace-context.js';
import { isDeadLetterTopic, originTopic } from './topics.js';

/** A topic that a group reads, and who handles its records. */
export interface Subscription {
  readonly topic: string;
  readonly handler: RecordHandler;
  readonly priority: RecordPriority;
}

export interface RunnerParts {
  readonly limits: TransportLimits;
  readonly deadLetters: DeadLetterProducer;
  readonly hooks: TransportHooks;
  readonly producer: Producer;
  /** Only where spans are wanted. */
  readonly tracing: RecordTracing | undefined;
  readonly fatal: (error: Error) => void;
}

interface RunnerOwner {
  settled(): void;
  halt(): void;
  resumed(): void;
  consumer(): Consumer | undefined;
  /** How many partitions the group has here. */
  partitions(): number;
}

/** The consumer's own heartbeats do not depend on its handlers. */
const noHeartbeat = (): Promise<void> => Promise.resolve();

/** At most so often a group logs that records are being retried. */
const RETRY_LOG_EVERY_MS = 5_000;

/** What happens to a group's records of one topic outside their partition: reading, handling, dead letters, telling. */
export class RecordRunner implements PipelineGroup {
  private readonly logger = new Logger('KafkaTransport');
  private readonly isReplay: boolean;
  private readonly retryLines = new Seldom(RETRY_LOG_EVERY_MS);

  constructor(
    private readonly group: string,
    private readonly subscription: Subscription,
    private readonly parts: RunnerParts,
    private readonly guard: HaltGuard,
    private readonly owner: RunnerOwner,
  ) {
    this.isReplay = subscription.topic.endsWith(RETRY_SUFFIX);
  }

  get limits(): TransportLimits {
    return this.parts.limits;
  }

  get underWayRecords(): number {
    const { underWayRecords, underWayOfGroup, underWayOfBackground, chunkRecords } = this.limits;
    const all = this.subscription.priority === 'background' ? underWayOfBackground : underWayOfGroup;
    const share = Math.floor(all / Math.max(1, this.owner.partitions()));
    return Math.min(underWayRecords, Math.max(chunkRecords, share));
  }

  get isProbing(): boolean {
    return this.guard.isProbing;
  }

  get isHalted(): boolean {
    return this.guard.isHalted;
  }

  handle(record: ConsumedRecord, attempt: RecordAttempt): Promise<unknown> | undefined {
    const { tracing } = this.parts;
    if (tracing === undefined) return this.readAndCall(record, attempt);
    return tracing.process(record, this.group, attempt, () => this.readAndCall(record, attempt));
  }

  private readAndCall(record: ConsumedRecord, attempt: RecordAttempt): Promise<unknown> | undefined {
    const event = this.subscription.handler.read(record);
    if (event !== SKIPPED) return this.call(event, record, attempt);
    if (!this.isReplay) return undefined;
    attempt.outcome = 'skipped';
    return this.tellReplaySettled(record, attempt);
  }

  private call(event: unknown, record: ConsumedRecord, attempt: RecordAttempt): Promise<unknown> {
    const { handler, priority } = this.subscription;
    const { producer } = this.parts;
    const consumer = this.owner.consumer() as Consumer;
    const context = new RecordContext(record, priority, { consumer, producer, heartbeat: noHeartbeat }, attempt);
    const handling = handler.call(event, context);
    return this.isReplay ? handling.then(() => this.tellReplaySettled(record, attempt)) : handling;
  }

  private async tellReplaySettled(record: ConsumedRecord, { outcome }: RecordAttempt): Promise<void> {
    const replay = replayOf(record);
    if (replay === undefined) return;
    const { group } = this.subscription.handler;
    await this.parts.hooks.replaySettled?.replaySettled({ ...replay, group: replay.group ?? group }, outcome);
  }

  /**
   * @throws TransientError when the dead letter is not safe. For a record that is a dead letter itself that is always so: it
   * has nowhere else to go, and is tried again for ever. The halt guard applies to those too, though nothing would be
   * drained: when one after the other fails for an error that nobody classified, it is the deploy, and a replica of the
   * version before should have them.
   */
  async bury(record: ConsumedRecord, failure: Failure & { kind: 'poison' }): Promise<void> {
    if (isDeadLetterTopic(record.topic))
      throw new TransientError(`a dead letter cannot fail for good: ${failure.message}`);
    const { group } = this.subscription.handler;
    const { deadLetters, tracing } = this.parts;
    const letter = deadLetterOf(record, group, failure, new Date());
    if (tracing === undefined) await deadLetters.send(letter);
    else {
      const topic = originTopic(letter.origin.topic) + DEAD_LETTER_SUFFIX;
      await tracing.bury(record, topic, (trace) =>
        deadLetters.send({ ...letter, headers: [...letter.headers, ...trace] }),
      );
    }
    this.logger.warn({ msg: 'dead letter', ...this.place(record), code: failure.code, error: failure.message });
  }

  exhausted(record: ConsumedRecord, message: string): 'bury' | 'keep' {
    const verdict = this.guard.exhausted();
    if (verdict !== 'bury') {
      this.logger.error({
        msg: 'consumer halted: its records fail one after the other',
        ...this.place(record),
        error: message,
      });
      this.owner.halt();
    }
    return verdict === 'halt' ? 'keep' : 'bury';
  }

  handled(): void {
    if (this.guard.handled()) this.owner.resumed();
  }

  retried(record: ConsumedRecord, failure: Failure, pauseMs: number): void {
    if (failure.kind !== 'poison') this.parts.hooks.retried(this.group, failure.kind);
    if (!this.retryLines.isDue()) return;
    this.logger.warn({
      msg: 'record is retried',
      ...this.place(record),
      pauseMs,
      kind: failure.kind,
      error: failure.message,
    });
  }

  settled(record: ConsumedRecord, outcome: RecordOutcome): void {
    this.parts.hooks.settled(record, this.group, outcome);
    this.owner.settled();
  }

  broken(error: unknown): void {
    this.parts.fatal(error as Error);
  }

  private place(record: ConsumedRecord): Record<string, string | number> {
    const { topic, partition, offset, headers } = record;
    const place = { group: this.group, topic, partition, offset: String(offset) };
    const ids = this.parts.tracing?.idsOf(record);
    if (ids !== undefined) return { ...place, ...ids };
    const traceId = traceIdIn(headers);
    return traceId === undefined ? place : { ...place, traceId };
  }
}
