import { Injectable } from '@nestjs/common';
import type { DeadLetter } from '../platform/kafka/dead-letter.js';
import { TransportHooks, type OversizedDeadLetters } from '../platform/kafka/observer.js';
import { DeadLetterStore } from './dead-letter-store.js';
import { wholeLetterOf } from './stored-letter.js';

/** Keeps a dead letter whole in `dead_letters` where its topic does not take it; the topic then gets a stub. */
@Injectable()
export class OversizedLetterStore implements OversizedDeadLetters {
  constructor(
    private readonly letters: DeadLetterStore,
    hooks: TransportHooks,
  ) {
    hooks.oversized = this;
  }

  /** Once for each record and group; a later attempt updates what the earlier one left, an old repeat changes nothing. */
  async keep(letter: DeadLetter): Promise<void> {
    await this.letters.store(wholeLetterOf(letter));
  }
}
