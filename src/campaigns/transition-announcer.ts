import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import { DATABASE_OPTIONS, type DatabaseOptions } from '../platform/database/database-options.js';
import { OwnConnection } from '../platform/database/own-connection.js';
import { Patrols } from '../platform/database/patrols.js';
import type { Patrol } from '../platform/patrol.js';
import { inTraceOf } from '../platform/tracing/carried-trace.js';
import { transitionAlert, type UnannouncedTransition } from './transition-alert.js';

/** Those that a replica left behind which died before it could announce them are found after so long. */
const LOOK_EVERY_MS = 1_000;
const AT_ONCE = 500;

/**
 * `skip locked`: another replica is announcing those right now. The lock ends with this replica, should it die. A name has no
 * bounds of its own, but a record of Kafka has.
 */
const TAKE = `
  select t.id::text, t.campaign_id::text as "campaignId", c.advertiser_id::text as "advertiserId",
         left(c.name, 200) as "campaignName", t.to_status as "toStatus", t.reason, t.at,
         coalesce(t.details, jsonb_build_object(
           'spent', c.budget_paused_spent::text, 'budget', c.daily_budget::text, 'day', c.budget_paused_on::text)) as details
  from campaign_transitions t join campaigns c on c.id = t.campaign_id
  where t.announced_at is null and t.to_status in ('PAUSED', 'ACTIVE')
  order by t.id limit $1
  for update of t skip locked`;

/** Announces each transition once, whichever replica made it: raised first, and marked when the broker has it. */
@Injectable()
export class TransitionAnnouncer implements OnApplicationShutdown {
  private readonly connection: OwnConnection;
  private readonly patrol: Patrol;

  constructor(
    @Inject(DATABASE_OPTIONS) { url }: DatabaseOptions,
    private readonly alerts: AlertPublisher,
    patrols: Patrols,
  ) {
    this.connection = new OwnConnection(url, 'worker-announcer');
    this.patrol = patrols.add(LOOK_EVERY_MS, 'transitions not announced: trying again', () => this.announceAll());
  }

  /** When the last round has ended. */
  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }

  /** There is something to announce: do not wait for the next look. */
  wake(): void {
    this.patrol.wake();
  }

  private async announceAll(): Promise<void> {
    while (!this.patrol.isStopping && (await this.announceSome()) === AT_ONCE);
  }

  private announceSome(): Promise<number> {
    return this.connection.use(async (client) => {
      await client.query('begin');
      try {
        const count = await this.announceTaken(client);
        await client.query('commit');
        return count;
      } catch (error) {
        await client.query('rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  private async announceTaken(client: ClientBase): Promise<number> {
    const { rows } = await client.query<UnannouncedTransition>(TAKE, [AT_ONCE]);
    if (rows.length === 0) return 0;
    await Promise.all(rows.map((transition) => this.announce(transition)));
    await client.query(
      'update campaign_transitions set announced_at = clock_timestamp() where id = any($1::bigint[])',
      [rows.map(({ id }) => id)],
    );
    return rows.length;
  }

  /** In the trace of the click that it follows from, as far as the row has kept one. */
  private announce(transition: UnannouncedTransition): Promise<void> {
    return inTraceOf(transition.details?.traceparent, () => this.alerts.raise(transitionAlert(transition)));
  }
}
