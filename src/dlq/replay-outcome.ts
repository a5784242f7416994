import { Injectable } from '@nestjs/common';
import { TransportHooks, type ReplaySettled } from '../platform/kafka/observer.js';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';
import { DeadLetterStore } from './dead-letter-store.js';

/** A dead letter whose replay was settled is resolved, before the replay's offset is committed. */
@Injectable()
export class ReplayOutcome implements ReplaySettled {
  constructor(
    private readonly letters: DeadLetterStore,
    hooks: TransportHooks,
  ) {
    hooks.replaySettled = this;
  }

  async replaySettled(replay: { origin: RecordCoordinates; group: string }): Promise<void> {
    await this.letters.resolve(replay);
  }
}
