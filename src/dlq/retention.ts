import { Inject, Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '../platform/clock.js';
import { Patrols } from '../platform/database/patrols.js';
import type { Patrol } from '../platform/patrol.js';
import { DLQ_OPTIONS, type DlqOptions } from './dlq-options.js';

const LOOK_EVERY_MS = 60_000;
/** Rows of one statement: short, so that nobody waits for their locks. */
const ROUND = 500;

/** Resolved and discarded letters by when that was; `NEW` ones are never old. Their attempts go with them. */
const REMOVE_LETTERS = `
  with old as (
    select id from dead_letters
    where status in ('RESOLVED', 'DISCARDED') and coalesce(closed_at, failed_at) < $1
    order by coalesce(closed_at, failed_at) limit $2
    for update skip locked
  )
  delete from dead_letters d using old where d.id = old.id
  returning d.id`;

/** What waits for its next attempt is never old either. */
const REMOVE_DELIVERIES = `
  with old as (
    select alert_id, channel from notification_deliveries
    where status in ('DELIVERED', 'FAILED') and coalesce(delivered_at, created_at) < $1
    order by coalesce(delivered_at, created_at) limit $2
    for update skip locked
  )
  delete from notification_deliveries n using old where n.alert_id = old.alert_id and n.channel = old.channel
  returning n.alert_id`;

/** Removes what is done with after `DLQ_RETENTION_DAYS`, in short rounds; any number of replicas may do so at once. */
@Injectable()
export class Retention {
  private readonly logger = new Logger(Retention.name);
  private readonly patrol: Patrol;

  constructor(
    private readonly database: DataSource,
    private readonly clock: Clock,
    @Inject(DLQ_OPTIONS) private readonly options: DlqOptions,
    patrols: Patrols,
  ) {
    this.patrol = patrols.add(LOOK_EVERY_MS, 'nothing old removed', () => this.removeAll());
  }

  private async removeAll(): Promise<void> {
    const before = new Date(this.clock.now() - this.options.retentionMs);
    const letters = await this.remove(REMOVE_LETTERS, before);
    const deliveries = await this.remove(REMOVE_DELIVERIES, before);
    if (letters + deliveries > 0)
      this.logger.log({ msg: 'what was done with is removed', letters, deliveries, before });
  }

  private async remove(sql: string, before: Date): Promise<number> {
    for (let count = 0; ;) {
      // A delete is answered with its rows and their number.
      const [, removed] = await this.database.query<[unknown[], number]>(sql, [before, ROUND]);
      count += removed;
      if (removed < ROUND || this.patrol.isStopping) return count;
    }
  }
}
