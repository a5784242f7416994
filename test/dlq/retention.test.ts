// What is done with goes after DLQ_RETENTION_DAYS, by the Worker's clock; what nobody has decided on stays for ever.
import { describe, expect, inject, it } from 'vitest';
import { DlqModule } from '../../src/dlq/dlq.module.js';
import { CapabilityReplica } from '../support/capability.js';
import { useDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

describe('retention', () => {
  const database = useDatabase();

  it('removes what was closed so many days ago, in rounds, with its attempts, and nothing else', async () => {
    // More than a round of them.
    await insert('RESOLVED', 31, 1_201);
    await insert('DISCARDED', 31, 2);
    await insert('RESOLVED', 29, 3);
    await insert('DISCARDED', 29, 4);
    await insert('NEW', 400, 5);
    await insert('REPLAYED', 400, 6);
    await database.query(
      `insert into notification_deliveries (alert_id, channel, alert, status, created_at, delivered_at)
       select status || d.days, 'slack', '{}', status, now() - make_interval(days => d.days),
              case when status = 'DELIVERED' then now() - make_interval(days => d.days) end
       from unnest(array['PENDING', 'DELIVERED', 'FAILED']) status, unnest(array[29, 31]) d (days)`,
    );
    const env = { ...inject('world').env, DATABASE_URL: database.workerUrl, DLQ_RETENTION_DAYS: '60' };

    // Thirty days later.
    const clock = { now: () => Date.now() + 30 * DAY_MS };
    const replica = await CapabilityReplica.start(env, { controllers: [], imports: [DlqModule] }, { clock });
    try {
      await eventually('the old ones are gone', 20_000, async () => (await counts())['RESOLVED'] === 3);
      await eventually('and the deliveries', 20_000, async () => (await deliveries()).length === 4);
    } finally {
      await replica.close();
    }

    expect(await counts()).toEqual({ RESOLVED: 3, DISCARDED: 4, NEW: 5, REPLAYED: 6 });
    expect(await deliveries()).toEqual(['DELIVERED29', 'FAILED29', 'PENDING29', 'PENDING31']);
    const [attempts] = await database.query<{ count: number }>(
      'select count(*)::int as count from dead_letter_attempts',
    );
    expect(attempts?.count).toBe(18);
  });

  async function insert(status: string, daysAgo: number, count: number): Promise<void> {
    await database.query(
      `with letters as (
         insert into dead_letters (topic, partition, "offset", group_id, record_timestamp, error_code, error_message, failed_at, status, closed_at)
         select 'events-' || $1, 0, $2 * 10000 + i, 'group', 0, 'INVALID_JSON', 'no', now() - make_interval(days => $2 + 100), $1,
                case when $1 in ('RESOLVED', 'DISCARDED') then now() - make_interval(days => $2) end
         from generate_series(1, $3) i returning id
       )
       insert into dead_letter_attempts (dead_letter_id, attempt, error_code, error_message, failed_at)
       select id, 1, 'INVALID_JSON', 'no', now() from letters`,
      [status, daysAgo, count],
    );
  }

  async function counts(): Promise<Record<string, number>> {
    const rows = await database.query<{ status: string; count: number }>(
      'select status, count(*)::int as count from dead_letters group by status',
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  async function deliveries(): Promise<string[]> {
    const rows = await database.query<{ alert_id: string }>('select alert_id from notification_deliveries order by 1');
    return rows.map(({ alert_id: id }) => id);
  }
});
