import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostingCounts } from '../src/ledger/posting-counts.js';
import { useDatabase } from './support/database.js';
import { aClick, aRefund, uniqueId, useLedger } from './support/ledger.js';

const database = useDatabase();
const ledger = useLedger(database);

describe('the counts of postings', () => {
  let source: DataSource;
  let counts: PostingCounts;
  beforeAll(async () => {
    source = await new DataSource({ type: 'postgres', url: database.workerUrl }).initialize();
    counts = new PostingCounts(source);
  });
  afterAll(() => source.destroy());

  it('are what was really posted, of each type: no repeats, nothing refused', async () => {
    const [account, other] = [await ledger.account(), await ledger.account()];
    const before = await counts.ofLastHour();
    const [click, refund] = [aClick(account), aRefund(account)];
    const poison = aClick({ ...account, campaignId: other.campaignId });

    await Promise.all([
      ledger.post(click),
      ledger.post(refund),
      ledger.post(aClick(account)),
      ledger.post(aRefund(other)),
    ]);
    await expect(ledger.post(poison)).rejects.toMatchObject({ code: 'CAMPAIGN_ADVERTISER_MISMATCH' });
    // A group of all kinds: new ones, repeats, conflicts and refusals.
    await Promise.allSettled(
      [
        click,
        refund,
        poison,
        aClick(account),
        aRefund(account),
        { ...refund, amount: '9', idempotencyKey: 'compensation:x' },
      ].map((posting) => ledger.post(posting)),
    );

    const after = await counts.ofLastHour();
    expect([after.clicks - before.clicks, after.refunds - before.refunds]).toEqual([3, 3]);
  });

  it('are right when groups fall apart, and when several Workers post at once', async () => {
    const accounts = await Promise.all(Array.from({ length: 9 }, () => ledger.account()));
    const before = await counts.ofLastHour();
    const workers = [ledger.open(), ledger.open()];
    const postings = accounts.flatMap((account) =>
      Array.from({ length: 60 }, (_, i) => {
        if (i % 6 !== 0) return aClick(account);
        // Postgres refuses such a text: the group is halved until it is found.
        return i === 30 ? aClick(account, { eventId: 'with\0nul' }) : aRefund(account);
      }),
    );

    const results = await Promise.allSettled(
      postings.flatMap((posting) => workers.map((worker) => worker.post(posting))),
    );

    const created = results.filter((result) => result.status === 'fulfilled' && result.value.created).length;
    const after = await counts.ofLastHour();
    expect(after.refunds - before.refunds).toBe(9 * 9);
    expect(after.clicks - before.clicks).toBe(9 * 50);
    expect(created).toBe(9 * 59);
  });

  it('reach back an hour, and are forgotten after two', async () => {
    const before = await counts.ofLastHour();
    const session = Number(uniqueId() % 1_000_000n) + 5_000_000;
    const add = (age: string): Promise<unknown[]> =>
      database.query(`insert into posting_minutes values (date_trunc('minute', now() - $1::interval), $2, 10, 1)`, [
        age,
        session,
      ]);
    for (const age of ['58 minutes', '61 minutes', '119 minutes', '121 minutes', '3 days']) await add(age);

    const after = await counts.ofLastHour();
    await Promise.all([counts.forgetOld(), counts.forgetOld(), counts.forgetOld()]);

    expect([after.clicks - before.clicks, after.refunds - before.refunds]).toEqual([10, 1]);
    const left = await database.query('select 1 from posting_minutes where session = $1', [session]);
    expect(left).toHaveLength(3);
  });

  it('keep nobody waiting: two sessions at once write two rows', async () => {
    const account = await ledger.account();
    await Promise.all(
      [ledger.open({ lanes: 1 }), ledger.open({ lanes: 1 })].map((worker) => worker.post(aClick(account))),
    );

    const rows = await database.query<{ most: number }>(
      'select count(*)::int as most from posting_minutes group by minute order by 1 desc limit 1',
    );
    expect(rows[0]?.most).toBeGreaterThanOrEqual(2);
  });
});
