import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import type { Posting } from '../src/ledger/posting.js';
import { TransientError } from '../src/platform/failure.js';
import { useDatabase, withClient } from './support/database.js';
import { TcpProxy } from '../stack/tcp-proxy.mjs';
import { aClick, aRefund, uniqueId, useLedger, type Account } from './support/ledger.js';
import { eventually } from './support/eventually.js';

const database = useDatabase();
const ledger = useLedger(database);

describe('what is wrong with one posting', () => {
  it('fails that posting alone, wherever in the group it stands', async () => {
    const [good, other] = [await ledger.account(), await ledger.account()];
    const wrong: [string, Posting][] = [
      ['UNKNOWN_ADVERTISER', aClick({ ...good, advertiserId: uniqueId() })],
      ['UNKNOWN_CAMPAIGN', aClick({ ...good, campaignId: uniqueId() })],
      ['CAMPAIGN_ADVERTISER_MISMATCH', aClick({ ...good, campaignId: other.campaignId })],
      ['UNKNOWN_ADVERTISER', aRefund({ ...good, advertiserId: uniqueId() })],
      ['INVALID_EVENT', aClick(good, { amount: '0.0000001' })],
      ['INVALID_EVENT', aClick(good, { amount: '0.00' })],
      ['INVALID_EVENT', aClick(good, { amount: 'NaN' })],
      ['INVALID_EVENT', aClick(good, { amount: '100000000000000' })],
      ['INVALID_EVENT', aClick(good, { eventId: 'with a \0 inside' })],
      ['INVALID_EVENT', aRefund(good, { amount: '99999999999999.999999' })], // the balance would overflow
    ];
    for (let place = 0; place <= 2; place++) {
      const clicks = [aClick(good), aClick(good)];
      const group: Posting[] = [
        ...clicks.slice(0, place),
        ...wrong.map(([, posting]) => posting),
        ...clicks.slice(place),
      ];

      const results = await Promise.allSettled(group.map((posting) => ledger.post(posting)));

      const codes = results.map((result) =>
        result.status === 'rejected' ? (result.reason as { code?: string }).code : 'ok',
      );
      const expected = wrong.map(([code]) => code);
      expect(codes).toEqual(['ok', 'ok'].slice(0, place).concat(expected, ['ok', 'ok'].slice(place)));
    }
    expect(await ledger.balanceOf(good)).toBe('98.500000');
  });

  it('is found among hundreds', async () => {
    const account = await ledger.account({ balance: '1000' });
    const group = Array.from({ length: 400 }, (_, i) => aClick(account, i % 97 === 13 ? { eventId: '\0' } : {}));

    const results = await Promise.allSettled(group.map((posting) => ledger.post(posting)));

    const failed = results.flatMap((result, i) => (result.status === 'rejected' ? [i] : []));
    expect(failed).toEqual([13, 110, 207, 304]);
    expect(await ledger.historyOf(account)).toHaveLength(396);
  });

  it('is a conflict when the same key comes for another advertiser or as another type', async () => {
    const [account, other] = [await ledger.account(), await ledger.account()];
    const click = aClick(account);
    await ledger.post(click);

    const asRefund = { ...aRefund(account), idempotencyKey: click.idempotencyKey, origin: click.origin };

    const before = `was posted before as DEDUCT of 0.250000 for advertiser ${account.advertiserId}, and comes now as`;
    for (const post of [ledger.post, ledger.rehearse]) {
      await expect(post({ ...click, ...other })).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
        message: `"${click.idempotencyKey}" ${before} DEDUCT of 0.25 for advertiser ${other.advertiserId}`,
      });
      await expect(post(asRefund)).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
        message: `"${click.idempotencyKey}" ${before} REFUND of 0.25 for advertiser ${account.advertiserId}`,
      });
    }
    expect(await ledger.balanceOf(other)).toBe('100.000000');
  });

  it('is told by its advertiser and the balance where that would not fit', async () => {
    const [rich, poor] = [
      await ledger.account({ balance: '99999999999999' }),
      await ledger.account({ balance: '-99999999999999.5' }),
    ];
    const day = await ledger.account({ balance: '90000000000000' });
    await ledger.post(aClick(day, { amount: '60000000000000' }));

    for (const post of [ledger.post, ledger.rehearse]) {
      await expect(post(aRefund(rich, { amount: '1.5' }))).rejects.toMatchObject({
        code: 'INVALID_EVENT',
        message: `advertiserId ${rich.advertiserId}: its balance would be 100000000000000.500000, and must stay below 10^14`,
      });
      await expect(post(aClick(poor, { amount: '0.5' }))).rejects.toMatchObject({
        code: 'INVALID_EVENT',
        message: `advertiserId ${poor.advertiserId}: its balance would be -100000000000000.000000, and must stay above -10^14`,
      });
      await expect(post(aClick(day, { amount: '50000000000000' }))).rejects.toMatchObject({
        code: 'INVALID_EVENT',
        message: `advertiserId ${day.advertiserId}: its balance, or a day's sum of its campaign, would not stay below 10^14`,
      });
    }
    const balances = [await ledger.balanceOf(rich), await ledger.balanceOf(poor), await ledger.balanceOf(day)];
    expect(balances).toEqual(['99999999999999.000000', '-99999999999999.500000', '30000000000000.000000']);
  });
});

describe('a row lock that somebody else holds', () => {
  it('holds up that advertiser alone, and ends with the lock', async () => {
    const locked = await ledger.account();
    const free = await Promise.all(Array.from({ length: 20 }, () => ledger.account()));
    let settled = false;

    const waiting = await withClient(database.ownerUrl, async (client) => {
      await client.query('begin');
      await client.query('select from advertisers where id = $1 for update', [String(locked.advertiserId)]);
      const held = Promise.all(Array.from({ length: 50 }, () => ledger.post(aClick(locked)))).finally(
        () => (settled = true),
      );
      await Promise.all(free.map((account) => ledger.post(aClick(account))));
      const late = Promise.all(Array.from({ length: 50 }, () => ledger.post(aClick(locked))));

      const start = performance.now();
      for (let round = 0; round < 5; round++) await Promise.all(free.map((account) => ledger.post(aClick(account))));
      expect(performance.now() - start).toBeLessThan(2_000);
      expect(settled).toBe(false);
      await client.query('rollback');
      return Promise.all([held, late]);
    });

    expect(waiting.flat().every(({ created }) => created)).toBe(true);
    expect(await ledger.balanceOf(locked)).toBe('75.000000');
  });

  it('is told to whoever waits for it, also to those that do not even find a place to wait in', async () => {
    const [locked, free] = [await ledger.account({ balance: '2000' }), await ledger.account()];
    const moreThanHeld = 5_100;
    const told = new Set<number>();
    const post = (account: Account, who: number) => ledger.post(aClick(account), { waits: () => told.add(who) });

    const waiting = await withClient(database.ownerUrl, async (client) => {
      await client.query('begin');
      await client.query('select from advertisers where id = $1 for update', [String(locked.advertiserId)]);
      const first = post(locked, 0);
      await eventually('the first one knows', 5_000, () => told.has(0));
      const others = Array.from({ length: moreThanHeld }, (_, i) => post(locked, 1 + i));
      expect(told.size).toBe(1 + moreThanHeld);
      await post(free, -1);
      await client.query('rollback');
      return Promise.all([first, ...others]);
    });

    expect(waiting.every(({ created }) => created)).toBe(true);
    expect(told).not.toContain(-1);
  });

  it('need not be the advertiser’s: a locked day of spending holds up what belongs to it', async () => {
    const [locked, free] = [await ledger.account(), await ledger.account()];
    await ledger.post(aClick(locked));

    const held = await withClient(database.ownerUrl, async (client) => {
      await client.query('begin');
      await client.query('select from daily_spend where campaign_id = $1 for update', [String(locked.campaignId)]);
      const postings = [aClick(free), aClick(locked), aClick(free)].map((posting) => ledger.post(posting));
      await Promise.all([postings[0], postings[2]]);
      await client.query('rollback');
      return postings[1];
    });

    expect(held).toMatchObject({ created: true });
  });

  it('is waited for by many advertisers at once, each freed by itself', async () => {
    const accounts = await Promise.all(Array.from({ length: 5 }, () => ledger.account()));
    const lock = (client: pg.Client, account: Account) =>
      client.query('select from advertisers where id = $1 for update', [String(account.advertiserId)]);

    await withClient(database.ownerUrl, async (one) =>
      withClient(database.ownerUrl, async (two) => {
        const [first, ...others] = accounts as [Account, ...Account[]];
        await one.query('begin');
        await two.query('begin');
        await lock(one, first);
        for (const account of others) await lock(two, account);
        const held = accounts.map((account) => ledger.post(aClick(account)));

        await two.query('rollback');
        await Promise.all(held.slice(1));
        await one.query('rollback');
        await Promise.all(held);
      }),
    );
  });
});

describe('a connection that dies', () => {
  it('loses and doubles nothing, and is made anew', async () => {
    const accounts = await Promise.all(Array.from({ length: 10 }, () => ledger.account({ balance: '1000' })));
    const clicks = Array.from({ length: 2_000 }, (_, i) => aClick(accounts[i % 10] as Account));
    const killOne = () =>
      database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name like 'worker-ledger-lane-%' order by random() limit 1`,
      );
    const postAgain = async (click: Posting): Promise<void> => {
      await eventually('the click is posted', 30_000, () =>
        ledger.post(click).then(
          () => true,
          (error: unknown) => {
            expect(error).toBeInstanceOf(TransientError);
            return false;
          },
        ),
      );
    };
    let killed = 0;
    for (let i = 0; i < clicks.length; i += 100) {
      const posted = Promise.all(clicks.slice(i, i + 100).map(postAgain));
      killed += (await killOne()).length;
      await posted;
    }

    expect(killed).toBeGreaterThan(0);
    const rows = await database.query<{ n: number }>(
      'select count(*)::int as n from ad_balance_histories where advertiser_id = any($1)',
      [accounts.map(({ advertiserId }) => String(advertiserId))],
    );
    expect(rows).toEqual([{ n: clicks.length }]);
  });
});

describe('a database that hangs', () => {
  it('is noticed within seconds, and used again when it is back, whatever became of the statements', async () => {
    const account = await ledger.account();
    const real = new URL(database.workerUrl);
    const proxy = await TcpProxy.open({ host: real.hostname, port: Number(real.port) });
    const proxied = new URL(real);
    [proxied.hostname, proxied.port] = ['127.0.0.1', String(proxy.port)];
    const throughProxy = ledger.open({ databaseUrl: proxied.toString() });
    await throughProxy.post(aClick(account));
    const clicks = Array.from({ length: 20 }, () => aClick(account));

    proxy.silence();
    const start = performance.now();
    const hung = await Promise.allSettled(clicks.map((click) => throughProxy.post(click)));
    const later = await Promise.allSettled([throughProxy.post(clicks[0] as Posting)]);
    const seconds = (performance.now() - start) / 1_000;
    proxy.mend();
    await eventually('the clicks are posted', 20_000, async () => {
      const results = await Promise.allSettled(clicks.map((click) => throughProxy.post(click)));
      return results.every(({ status }) => status === 'fulfilled');
    });

    for (const result of [...hung, ...later]) {
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'TransientError' } });
    }
    expect(seconds).toBeLessThan(10);
    expect(await ledger.historyOf(account)).toHaveLength(21);
    await throughProxy.close();
    await proxy.close();
  });

  it('does not keep the ledger from stopping: what could not be posted is rejected as transient', async () => {
    const account = await ledger.account();
    const stopping = ledger.open();
    const posted = await withClient(database.ownerUrl, async (client) => {
      await client.query('begin');
      await client.query('select from advertisers where id = $1 for update', [String(account.advertiserId)]);
      const held = Promise.allSettled([stopping.post(aClick(account))]);
      await stopping.close();
      return held;
    });

    expect(posted).toMatchObject([{ status: 'rejected', reason: { name: 'TransientError' } }]);
    await expect(stopping.post(aClick(account))).rejects.toBeInstanceOf(TransientError);
  });
});
