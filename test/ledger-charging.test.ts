import { describe, expect, it } from 'vitest';
import { chargeGroup, NOT_PLAIN } from '../src/ledger/charge-group.sql.js';
import { postGroup, type PostingOutcome } from '../src/ledger/post-group.sql.js';
import type { Deduction } from '../src/ledger/posting.js';
import { useDatabase, withClient } from './support/database.js';
import { aClick, NOON_MS, uniqueId, useLedger, type Account } from './support/ledger.js';

const OPTIONS = { budgetTimezone: 'Asia/Seoul', lockWaitMs: 50 };
const DAY_MS = 24 * 60 * 60 * 1_000;

const database = useDatabase();
const ledger = useLedger(database);

const charge = (clicks: readonly Deduction[]) =>
  withClient(database.workerUrl, (client) => chargeGroup(client, clicks, OPTIONS));

/** A click of the day after. */
function clickOfTomorrow(account: Account): Deduction {
  const origin = { topic: 'ad-events', partition: 0, offset: uniqueId(), timestamp: NOON_MS + DAY_MS };
  return aClick(account, { origin, idempotencyKey: `record:ad-events:0:${origin.offset}:${origin.timestamp}` });
}

describe('a plain group of clicks', () => {
  it('is answered as the function for all postings answers it, on the first click of a day and later', async () => {
    const twins = await Promise.all(
      Array.from({ length: 6 }, (_, i) => Promise.all([0, 1].map(() => ledger.account({ dailyBudget: String(i) })))),
    );
    const order = Array.from({ length: 60 }, (_, i) => (i * i) % twins.length);

    for (const accounts of [twins.slice(0, 3), twins]) {
      const [charged, posted] = await withClient(database.workerUrl, async (client) => {
        const groups = [0, 1].map((side) =>
          order.map((n, i) => aClick(accounts[n % accounts.length]?.[side] as Account, { amount: `0.${i + 1}` })),
        );
        const [left = [], right = []] = groups;
        return [await chargeGroup(client, left, OPTIONS), await postGroup(client, right, OPTIONS)] as const;
      });

      expect(charged.map(figures)).toEqual(posted.map(figures));
      const ids = charged.map(({ result }) => result.historyId);
      expect(ids).toEqual(ids.toSorted((a, b) => Number(a - b)));
    }
  });

  it.each<[string, (own: Account, other: Account) => Deduction, string]>([
    ['an advertiser that is unknown', (own) => aClick({ ...own, advertiserId: uniqueId() }), NOT_PLAIN],
    ['a campaign that is unknown', (own) => aClick({ ...own, campaignId: uniqueId() }), NOT_PLAIN],
    ["another advertiser's campaign", (own, other) => aClick({ ...own, campaignId: other.campaignId }), NOT_PLAIN],
    ['its own campaign for another advertiser', (own, other) => aClick({ ...other, ...pick(own) }), NOT_PLAIN],
    ['a click of another day', (own) => clickOfTomorrow(own), NOT_PLAIN],
    ['an amount that the balance has no room for', (own) => aClick(own, { amount: '99999999999999' }), '22003'],
  ])('is none with %s: nothing of it is posted', async (_what, odd, state) => {
    const [own, other] = await Promise.all([ledger.account({ balance: '-99999999999000' }), ledger.account()]);

    const charging = charge([aClick(own), odd(own, other), aClick(other)]);

    await expect(charging).rejects.toMatchObject({ code: state });
    for (const account of [own, other]) {
      expect(await ledger.historyOf(account)).toEqual([]);
      expect(await ledger.daysOf(account)).toEqual([]);
    }
    expect(await ledger.balanceOf(other)).toBe('100.000000');
  });

  it('is none with a click that was posted before, and each is then answered by itself', async () => {
    const account = await ledger.account();
    const before = aClick(account);
    await ledger.post(before);

    await expect(charge([aClick(account), before])).rejects.toMatchObject({ code: '23505' });
    const results = await Promise.all([aClick(account), before, aClick(account)].map((click) => ledger.post(click)));

    expect(results.map(({ created }) => created)).toEqual([true, false, true]);
    expect(await ledger.historyOf(account)).toHaveLength(3);
  });
});

const pick = ({ campaignId }: Account) => ({ campaignId });

/** What the answers of twin accounts have in common. */
function figures(outcome: PostingOutcome): unknown {
  if (outcome.status !== 'SETTLED') return outcome;
  const { created, balanceAfter, campaign } = outcome.result;
  return { created, balanceAfter, campaign: campaign && { ...campaign, campaignId: undefined } };
}
