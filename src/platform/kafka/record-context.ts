import { KafkaContext } from '@nestjs/microservices';
import type { Consumer, Producer } from 'kafkajs';
import type { ConsumedRecord } from './consumed-record.js';
import { replayOf } from './dead-letter.js';
import type { RecordCoordinates } from './record-coordinates.js';

/** How a record ended; the `outcome` of `worker_records_total`. */
export const RECORD_OUTCOMES = ['posted', 'handled', 'repeated', 'skipped', 'dead'] as const;
export type RecordOutcome = (typeof RECORD_OUTCOMES)[number];

/** `live` records go first; `background` ones (replays and every topic but the first) get at least a tenth. */
export type RecordPriority = 'live' | 'background';

/** What is told of a record while it is being handled. */
export interface RecordAttempt {
  /** How the record counts once its handler is done. */
  outcome: RecordOutcome;
  /** The record waits for something that is not ours, and no longer holds up the others of its partition. */
  waits(): void;
}

/** What a handler may know of its record, as `@Ctx()`. Works wherever Nest's own `KafkaContext` does. */
export class RecordContext extends KafkaContext {
  constructor(
    readonly record: ConsumedRecord,
    readonly priority: RecordPriority,
    client: { consumer: Consumer; producer: Producer; heartbeat: () => Promise<void> },
    private readonly attempt: RecordAttempt,
  ) {
    super([record.message, record.partition, record.topic, client.consumer, client.heartbeat, client.producer]);
  }

  /** How the record counts once its handler is done: `handled`, or `posted` or `repeated` where the handler says so. */
  get outcome(): RecordOutcome {
    return this.attempt.outcome;
  }

  set outcome(outcome: RecordOutcome) {
    this.attempt.outcome = outcome;
  }

  /** The coordinates that money goes by: of the replayed record on `.retry`, else the record's own. */
  get coordinates(): RecordCoordinates {
    return replayOf(this.record)?.origin ?? this.record;
  }

  /**
   * This record waits for something that is not ours (a row that somebody else holds, say): until its handler is done it no
   * longer holds up the others of its partition. One that does not say so does for a second. May be called again.
   */
  waits(): void {
    this.attempt.waits();
  }
}
