// A Worker of which everything is asked at once, of a Postgres where everything waits: it opens as many connections as the
// operators were told to allow for, and not one more.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { withClient } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aClick, aCompensation } from '../support/fixtures.js';
import { anAlert, useNotifications } from '../support/notifications.js';
import type { Account } from '../support/own-world.js';

const PROMISED = 16;
/** All of them but the one that makes months of histories, which is open for some moments. */
const LASTING = {
  worker: 5,
  ...Object.fromEntries(
    [
      'alerts',
      'announcer',
      'dlq',
      'email',
      'health',
      'ledger-held',
      'ledger-lane-1',
      'ledger-lane-2',
      'ledger-lane-3',
      'slack',
    ].map((name) => [`worker-${name}`, 1]),
  ),
};

describe('a Worker', () => {
  const notifications = useNotifications();
  const { own } = notifications;
  /** Every other has its price in Redis: its clicks come as far as the ledger, the others wait for the campaigns. */
  const accountOf = async (_: unknown, i: number): Promise<Account> => {
    const advertiser = await own.world.advertiser({ balance: '1000000' });
    const redisCpc = i % 2 === 0 ? '1' : null;
    return { advertiser, campaign: await own.world.campaign(advertiser, { redisCpc, cpc: '1', dailyBudget: '2' }) };
  };
  const clicksOn = (accounts: readonly Account[], count: number): string[] =>
    Array.from({ length: count }, (_, i) => {
      const { advertiser, campaign } = accounts[i % accounts.length] as Account;
      return aClick({ advertiserId: advertiser.id, campaignId: campaign.id });
    });
  const open = async (): Promise<Record<string, number>> => {
    const { rows } = await own.world.database.query<{ name: string; count: number }>(
      `select application_name as name, count(*)::int as count from pg_stat_activity
       where usename = $1 and application_name <> 'worker-partitions' group by 1`,
      [new URL(own.stack.env.DATABASE_URL).username],
    );
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  };

  it('opens no more than 16 connections to Postgres, whatever is asked of it and however long all of it waits', async () => {
    const login = new URL(own.stack.env.DATABASE_URL).username;
    // The server refuses what is more than promised, and says so in its log.
    await own.world.database.query(`alter role ${login} connection limit ${PROMISED}`);
    const worker = await notifications.readyWorker();
    const [locked, ...others] = await Promise.all(Array.from({ length: 40 }, accountOf));
    if (locked === undefined) throw new Error('forty');

    await withClient(own.stack.env.MIGRATION_DATABASE_URL, async (client) => {
      await client.query('begin');
      await client.query('select from advertisers where id = $1 for update', [locked.advertiser.id]);
      await own.world.produce('ad-events', [...clicksOn([locked], 10), 'rubbish']);
      await own.world.produce('alert-events', [JSON.stringify(anAlert())]);
      await eventually('a click is held', 30_000, async () => 'worker-ledger-held' in (await open()));
      await client.query('lock table campaigns, dead_letters, group_starts, posting_minutes in access exclusive mode');
      await own.world.produce('ad-events', clicksOn(others, 3_000));
      const refunds = others.map(({ advertiser }) => aCompensation({ advertiserId: advertiser.id }));
      await own.world.produce('compensation-events', refunds);
      await eventually('all are open', 60_000, async () => isDeepStrictEqual(await open(), LASTING));
      await client.query('rollback');
    });
    await own.settled();

    const log = readFileSync(join(own.stack.dataFolder, 'postgres', 'postgres.log'), 'utf8');
    expect(log).not.toContain('too many connections');
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);
});
