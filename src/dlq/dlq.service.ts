import { Injectable } from '@nestjs/common';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import type { ConsumedRecord } from '../platform/kafka/consumed-record.js';
import { deadLetterAlert } from './dead-letter-alert.js';
import { DeadLetterStore } from './dead-letter-store.js';
import { letterOf } from './stored-letter.js';

/** An alert about an alert that failed would fail as well, for ever. */
const ALERT_DEAD_LETTERS = 'alert-events.dlq';

/** Keeps what failed, and tells of it. */
@Injectable()
export class DlqService {
  constructor(
    private readonly letters: DeadLetterStore,
    private readonly alerts: AlertPublisher,
  ) {}

  /**
   * Stores a record of a `.dlq` topic, whatever it is, and raises `DEAD_LETTER`. A repeat finds it stored and raises the same
   * alert again: the crash may have come between the two.
   *
   * @throws TransientError while the broker is away, the driver's error while the database is
   */
  async keep(record: ConsumedRecord): Promise<void> {
    const letter = letterOf(record);
    await this.letters.store(letter);
    if (record.topic === ALERT_DEAD_LETTERS) return;
    const subject = letter.isStub ? await this.letters.subjectOf(letter) : letter;
    await this.alerts.raise(deadLetterAlert(letter, subject));
  }
}
