import type { Failure } from '../classify.js';
import type { ConsumedRecord } from './consumed-record.js';
import type { TransportLimits } from './limits.js';
import type { RecordAttempt, RecordOutcome } from './record-context.js';

/** What a partition needs of its group. */
export interface PipelineGroup {
  readonly limits: TransportLimits;
  /** So many records of each partition may be under way. */
  readonly underWayRecords: number;
  /** Only one record at a time may be tried. */
  readonly isProbing: boolean;
  /** None may be tried: the consumer is about to leave. */
  readonly isHalted: boolean;
  /** Reads and handles a record; undefined where it is to be skipped. The outcome is the attempt's; throws what went wrong. */
  handle(record: ConsumedRecord, attempt: RecordAttempt): Promise<unknown> | undefined;
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
