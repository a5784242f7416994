import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { DeadLetter } from '../platform/kafka/dead-letter.js';
import { TransportHooks, type OversizedDeadLetters } from '../platform/kafka/observer.js';

/** Keeps a dead letter whole in `dead_letters` where its topic does not take it; the topic then gets a stub. */
@Injectable()
export class OversizedLetterStore implements OversizedDeadLetters {
  constructor(
    private readonly database: DataSource,
    hooks: TransportHooks,
  ) {
    hooks.oversized = this;
  }

  /** Once for each record and group; a later attempt updates what the earlier one left, an old repeat changes nothing. */
  async keep(letter: DeadLetter): Promise<void> {
    const { origin, group, attempt, code, message, failedAt, key, value, headers } = letter;
    await this.database.query(
      `insert into dead_letters as kept
         (topic, partition, "offset", record_timestamp, group_id, key, value, headers,
          error_code, error_message, failed_at, attempts, status)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'NEW')
       on conflict (topic, partition, "offset", record_timestamp, group_id) do update set
         error_code = excluded.error_code, error_message = excluded.error_message, failed_at = excluded.failed_at,
         attempts = excluded.attempts, status = 'NEW'
       where kept.attempts < excluded.attempts`,
      [
        origin.topic,
        origin.partition,
        origin.offset,
        origin.timestamp,
        group,
        key,
        value,
        JSON.stringify(headers.map(([name, bytes]) => [name.replaceAll('\0', ''), bytes.toString('base64')])),
        code,
        message.replaceAll('\0', ''),
        failedAt,
        attempt,
      ],
    );
  }
}
