import type { DeadLetter } from './dead-letter.js';
import type { RecordOutcome } from './record-context.js';
import type { RecordCoordinates } from './record-coordinates.js';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Records that retention removed before the group had read them. */
export interface LostOffsets extends TopicPartition {
  readonly group: string;
  /** The first lost offset, and the first that is still there. */
  readonly from: number;
  readonly to: number;
}

/** Where a group stands on one of its partitions. */
export interface PartitionLag extends TopicPartition {
  readonly group: string;
  /** How many offsets behind the end. */
  readonly records: number;
  /** Age of the oldest unsettled record. */
  readonly seconds: number;
}

/** What the transport tells of itself. Nothing here may throw, and nothing waits for it. */
export interface TransportObserver {
  settled?(record: RecordCoordinates, group: string, outcome: RecordOutcome): void;
  retried?(group: string, cause: 'transient' | 'unclassified'): void;
  halted?(group: string, halted: boolean): void;
  offsetsLost?(lost: LostOffsets): void;
}

/**
 * Keeps a dead letter that is too large for its topic. The transport then sends a stub and only settles the record when
 * this resolved, so it must be idempotent by origin, group and attempt.
 */
export interface OversizedDeadLetters {
  keep(letter: DeadLetter): Promise<void>;
}

/** Hears that a replayed record was settled, before its offset is committed; must be idempotent, since it may come again. */
export interface ReplaySettled {
  replaySettled(
    replay: { origin: RecordCoordinates; group: string; attempt: number },
    outcome: RecordOutcome,
  ): Promise<void>;
}

/** What later capabilities hang into the transport; each registers itself when its module starts. */
export class TransportHooks {
  private readonly observers: TransportObserver[] = [];
  oversized: OversizedDeadLetters | undefined;
  replaySettled: ReplaySettled | undefined;

  observe(observer: TransportObserver): void {
    this.observers.push(observer);
  }

  settled(record: RecordCoordinates, group: string, outcome: RecordOutcome): void {
    for (const observer of this.observers) observer.settled?.(record, group, outcome);
  }

  retried(group: string, cause: 'transient' | 'unclassified'): void {
    for (const observer of this.observers) observer.retried?.(group, cause);
  }

  halted(group: string, halted: boolean): void {
    for (const observer of this.observers) observer.halted?.(group, halted);
  }

  offsetsLost(lost: LostOffsets): void {
    for (const observer of this.observers) observer.offsetsLost?.(lost);
  }
}
