import { describe, expect, it } from 'vitest';
import { reconcile } from '../src/ledger/reconcile.js';
import { useDatabase, withClient } from './support/database.js';
import { aClick, aRefund, expectBooksToBalance, uniqueId, useLedger, type Account } from './support/ledger.js';

const database = useDatabase();
const ledger = useLedger(database);

async function run(json = false): Promise<{ exitCode: number; text: string }> {
  const lines: string[] = [];
  const exitCode = await reconcile({ databaseUrl: database.workerUrl, json, write: (line) => lines.push(line) });
  return { exitCode, text: lines.join('\n') };
}

/** As a superuser who switches triggers off: nobody else could. `undo` mends it, since the books must balance in the end. */
async function plant(fault: string, undo: string, parameters: unknown[], look: () => Promise<void>): Promise<void> {
  await withClient(database.ownerUrl, async (client) => {
    await client.query('set session_replication_role = replica');
    expect((await client.query(fault, parameters)).rowCount).toBeGreaterThan(0);
    try {
      await look();
    } finally {
      await client.query(undo, parameters);
    }
  });
}

async function usedAccount(): Promise<Account> {
  const account = await ledger.account();
  for (const posting of [aClick(account), aClick(account), aRefund(account), aClick(account)])
    await ledger.post(posting);
  return account;
}

describe('reconcile', () => {
  it('proves the books while postings go on', async () => {
    const account = await ledger.account();
    const enough = new AbortController();
    const busy = (async () => {
      while (!enough.signal.aborted) await Promise.all(Array.from({ length: 50 }, () => ledger.post(aClick(account))));
    })();

    for (let i = 0; i < 5; i++) await expectBooksToBalance(database);
    enough.abort();
    await busy;
  });

  it('names a balance that is off', async () => {
    const account = await usedAccount();
    const id = String(account.advertiserId);

    await plant(
      'update advertisers set balance = balance + 1 where id = $1',
      'update advertisers set balance = balance - 1 where id = $1',
      [id],
      async () => {
        const { exitCode, text } = await run();
        expect(exitCode).toBe(1);
        expect(text).toContain(`advertiser ${id}: balance 100.500000, expected 99.500000`);
        expect(text).toContain('do NOT balance');
      },
    );
  });

  it('names the history where a chain breaks, though all sums are right', async () => {
    const account = await usedAccount();
    const id = String(account.advertiserId);
    const second = '(select id from ad_balance_histories where advertiser_id = $1 order by id offset 1 limit 1)';

    await plant(
      `update ad_balance_histories set balance_after = balance_after + 1 where id = ${second}`,
      `update ad_balance_histories set balance_after = balance_after - 1 where id = ${second}`,
      [id],
      async () => {
        const { exitCode, text } = await run();
        expect(exitCode).toBe(1);
        expect(text).toMatch(
          new RegExp(`advertiser ${id}, history \\d+: balance_after 100.500000, expected 99.500000`),
        );
        expect(text).not.toContain('opening balance plus postings');
      },
    );
  });

  it('names a history that is gone', async () => {
    const account = await usedAccount();

    await withClient(database.ownerUrl, async (client) => {
      await client.query('set session_replication_role = replica');
      const { rows } = await client.query<{ row: object }>(
        `delete from ad_balance_histories h where advertiser_id = $1 and type = 'REFUND' returning to_jsonb(h) as row`,
        [String(account.advertiserId)],
      );
      const { exitCode, text } = await run();
      await client.query(
        `insert into ad_balance_histories overriding system value
         select * from jsonb_populate_record(null::ad_balance_histories, $1)`,
        [rows[0]?.row],
      );

      expect(exitCode).toBe(1);
      expect(text).toContain(`advertiser ${account.advertiserId}: balance 99.500000, expected 99.250000`);
      expect(text).toContain(`campaign ${account.campaignId}, 2026-11-24: 0.750000/3/0.250000, expected 0.750000/3/0`);
    });
  });

  it('names a day of spending that is not its histories', async () => {
    const account = await usedAccount();

    await plant(
      'update daily_spend set day = day - 1 where campaign_id = $1',
      'update daily_spend set day = day + 1 where campaign_id = $1',
      [String(account.campaignId)],
      async () => {
        const { exitCode, text } = await run(true);
        const report = JSON.parse(text) as { holds: boolean; wrongDays: { campaignId: string; day: string }[] };
        expect(exitCode).toBe(1);
        expect(report.holds).toBe(false);
        expect(report.wrongDays.map(({ campaignId, day }) => [campaignId, day])).toEqual([
          [String(account.campaignId), '2026-11-23'],
          [String(account.campaignId), '2026-11-24'],
        ]);
      },
    );
  });

  it('lists what is merely suspicious, and still holds', async () => {
    const account = await ledger.account();
    const duplicateEventId = `d-${uniqueId()}`;
    for (let i = 0; i < 2; i++) {
      const refund = aRefund(account);
      await ledger.post({ ...refund, duplicateClick: { ...refund.duplicateClick, duplicateEventId } });
    }

    const { exitCode, text } = await run();

    expect(exitCode).toBe(0);
    expect(text).toContain(`campaign ${account.campaignId}, 2026-11-24: charged 0.000000, refunded 0.500000`);
    expect(text).toContain(`duplicateEventId ${duplicateEventId}: 2 refunds, 0.500000 in all`);
  });

  it('counts days in the zone that was in force when they were posted', async () => {
    await usedAccount();

    await database.query(
      `insert into worker_settings values ('budget_timezone', 'America/New_York'), ('budget_timezone_until:' || now(), 'Asia/Seoul')`,
    );

    await expectBooksToBalance(database);
    await database.query('delete from worker_settings');
  });

  it('says so when it cannot ask', async () => {
    const lines: string[] = [];

    const exitCode = await reconcile({
      databaseUrl: 'postgres://127.0.0.1:1/x',
      json: false,
      write: (line) => lines.push(line),
    });

    expect(exitCode).toBe(2);
    expect(lines).toEqual(['reconcile: connect ECONNREFUSED 127.0.0.1:1']);
  });
});
