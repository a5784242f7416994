import { describe, expect, it } from 'vitest';
import { pinBudgetTimezone } from '../src/ledger/budget-timezone.js';
import { makePartitionsAhead } from '../src/ledger/partitions.js';
import { useDatabase, withClient } from './support/database.js';
import { aClick, uniqueId, useLedger } from './support/ledger.js';

const database = useDatabase();
const ledger = useLedger(database);

const asWorker = (sql: string, parameters: unknown[] = []) =>
  withClient(database.workerUrl, async (client) => (await client.query<Record<string, unknown>>(sql, parameters)).rows);
const asBilling = (sql: string, parameters: unknown[]) =>
  withClient(database.ownerUrl, async (client) => {
    await client.query('set role billing');
    return client.query(sql, parameters);
  });

const NOT_GRANTED = { code: '42501' };

describe('the role worker', () => {
  it.each([
    'update advertisers set balance = 0',
    'delete from advertisers',
    "insert into advertisers (id, name) values (1, '')",
    "update campaigns set name = ''",
    'update campaigns set daily_budget = null',
    'delete from campaigns',
    'update ad_balance_histories set amount = 1',
    'delete from ad_balance_histories',
    'truncate ad_balance_histories',
    'delete from ad_balance_histories_default',
    'truncate ad_balance_histories_default',
    "insert into ad_balance_histories_default (idempotency_key) values ('x')",
    'update daily_spend set spent = 0',
    'insert into daily_spend (campaign_id, day) values (1, now())',
    'delete from duplicate_click_logs',
    'update campaign_transitions set to_status = null',
    "update worker_settings set value = ''",
    'delete from group_starts',
    "select ledger_top_up(1, 1, 'x')",
    'insert into top_up_references values ($$x$$, 1, 1)',
    'alter table ad_balance_histories disable trigger all',
    'drop table ad_balance_histories_default',
    'truncate posting_minutes',
    'create table mine ()',
  ])('may not: %s', async (sql) => {
    await expect(asWorker(sql)).rejects.toMatchObject(NOT_GRANTED);
  });

  it.each([
    'select * from ad_balance_histories where false',
    'select * from migrations where false',
    "update campaigns set status = 'PAUSED', status_reason = '', status_changed_at = now() where false",
    'update campaigns set budget_paused_on = null, budget_paused_spent = null where false',
    'select * from campaigns where false for no key update skip locked',
    'update campaign_transitions set announced_at = now() where false',
    'update daily_spend set last_counter = 1 where false',
    "update notification_deliveries set status = 'DELIVERED' where false",
    'delete from dead_letters where false',
    'delete from posting_minutes where false',
  ])('may: %s', async (sql) => {
    await expect(asWorker(sql)).resolves.toEqual([]);
  });

  it('calls the posting function, which nobody else may', async () => {
    const rows = await database.query<{ name: string }>(
      `select proname as name from pg_proc
       where pronamespace = 'public'::regnamespace and has_function_privilege('public', oid, 'execute')`,
    );

    expect(rows).toEqual([]);
  });
});

describe('history', () => {
  it('is append-only for everybody, in each partition too', async () => {
    const account = await ledger.account();
    const far = { topic: 'ad-events', partition: 0, offset: uniqueId(), timestamp: Date.parse('1999-01-01') };
    await ledger.post(aClick(account));
    await ledger.post(aClick(account, { origin: far }));
    const partitions = await database.query<{ name: string }>(
      `select relid::regclass::text as name from pg_partition_tree('ad_balance_histories')`,
    );

    expect(partitions.length).toBeGreaterThan(5);
    for (const { name } of partitions) {
      await expect(database.query(`truncate ${name}`)).rejects.toThrow('append-only');
      const [rows] = await database.query<{ n: number }>(`select count(*)::int as n from ${name}`);
      if (rows?.n === 0) continue;
      await expect(database.query(`update ${name} set amount = amount + 1`)).rejects.toThrow('append-only');
      await expect(database.query(`delete from ${name}`)).rejects.toThrow('append-only');
    }
  });

  it('has an index that starts with id on each partition', async () => {
    const rows = await database.query(
      `select relid::regclass::text as partition from pg_partition_tree('ad_balance_histories') t
       where isleaf and not exists (
         select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
         where i.indrelid = t.relid and a.attname = 'id')`,
    );

    expect(rows).toEqual([]);
  });
});

describe('partitions', () => {
  it('are made ahead by the Worker’s own login, once', async () => {
    const spring = new Date('2031-05-20T00:00:00Z');

    const first = await withClient(database.workerUrl, (client) => makePartitionsAhead(client, spring));
    const again = await withClient(database.workerUrl, (client) => makePartitionsAhead(client, spring));

    const made = ['2031-04-01', '2031-05-01', '2031-06-01', '2031-07-01', '2031-08-01'];
    const until = '2031-09-01';
    expect(first).toEqual({ made, inDefault: [], locked: [], until });
    expect(again).toEqual({ made: [], inDefault: [], locked: [], until });
  });

  it('cannot be made for a month that has rows in the default partition, which is said and stops nothing', async () => {
    const account = await ledger.account();
    const origin = { topic: 'ad-events', partition: 0, offset: uniqueId(), timestamp: Date.parse('2032-02-10') };
    await ledger.post(aClick(account, { origin }));

    const result = await withClient(database.workerUrl, (client) =>
      makePartitionsAhead(client, new Date('2032-01-31')),
    );

    expect(result.inDefault).toEqual(['2032-02-01']);
    expect(result.made).toEqual(['2031-12-01', '2032-01-01', '2032-03-01', '2032-04-01']);
  });

  it('are made while postings go on, without refusing one', async () => {
    const account = await ledger.account();
    const posted = Array.from({ length: 500 }, () => ledger.post(aClick(account)));

    const result = await withClient(database.workerUrl, (client) =>
      makePartitionsAhead(client, new Date('2033-03-03')),
    );

    expect(result.locked).toEqual([]);
    await Promise.all(posted);
  });
});

describe('ledger_top_up', () => {
  it('credits a reference once', async () => {
    const account = await ledger.account({ balance: '1' });
    const [id, reference] = [String(account.advertiserId), `invoice-${uniqueId()}`];

    await Promise.all([1, 2, 3].map(() => asBilling('select ledger_top_up($1, 10.5, $2)', [id, reference])));

    expect(await ledger.balanceOf(account)).toBe('11.500000');
    expect(await ledger.historyOf(account)).toMatchObject([
      { type: 'TOPUP', amount: '10.500000', balance_after: '11.500000', idempotency_key: `topup:${reference}` },
    ]);
  });

  it('refuses the same reference for another amount or advertiser', async () => {
    const [account, other] = [await ledger.account(), await ledger.account()];
    const reference = `invoice-${uniqueId()}`;
    await asBilling('select ledger_top_up($1, 10, $2)', [String(account.advertiserId), reference]);

    await expect(
      asBilling('select ledger_top_up($1, 11, $2)', [String(account.advertiserId), reference]),
    ).rejects.toThrow(reference);
    await expect(
      asBilling('select ledger_top_up($1, 10, $2)', [String(other.advertiserId), reference]),
    ).rejects.toThrow(reference);
  });

  it.each(['0', '-1', 'NaN', 'Infinity', '0.0000001', '100000000000000', null])(
    'refuses the amount %s',
    async (amount) => {
      const account = await ledger.account();

      await expect(
        asBilling('select ledger_top_up($1, $2, $3)', [String(account.advertiserId), amount, `r-${uniqueId()}`]),
      ).rejects.toThrow('must be above zero');
    },
  );

  it('refuses an advertiser that is not there, and keeps the reference free', async () => {
    const [nobody, reference] = [String(uniqueId()), `invoice-${uniqueId()}`];
    const account = await ledger.account();

    await expect(asBilling('select ledger_top_up($1, 1, $2)', [nobody, reference])).rejects.toThrow(nobody);
    await asBilling('select ledger_top_up($1, 1, $2)', [String(account.advertiserId), reference]);

    expect(await ledger.balanceOf(account)).toBe('101.000000');
  });
});

describe('the budget time zone', () => {
  it('is pinned at the first start and held to at every later one', async () => {
    const pin = (timezone: string) =>
      withClient(database.workerUrl, (client) =>
        pinBudgetTimezone(
          async <Row>(sql: string, parameters: unknown[]) => (await client.query(sql, parameters)).rows as Row[],
          timezone,
        ),
      );

    await pin('Asia/Seoul');
    await pin('asia/seoul');

    await expect(pin('Europe/Berlin')).rejects.toThrow(
      /days in "Asia\/Seoul".*update worker_settings set value = 'Europe\/Berlin'/,
    );
    await expect(pin('Mars/Olympus')).rejects.toThrow('Postgres knows no such time zone');
  });
});
