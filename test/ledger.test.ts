import { describe, expect, it } from 'vitest';
import { useDatabase } from './support/database.js';
import { aClick, aRefund, addCampaign, NOON_MS, uniqueId, useLedger } from './support/ledger.js';

const database = useDatabase();
const ledger = useLedger(database);

describe('a posting', () => {
  it('charges a click, and answers with what a budget decision needs', async () => {
    const account = await ledger.account({ balance: '10', dailyBudget: '5' });

    const result = await ledger.post(aClick(account, { amount: '0.75' }));

    expect(result).toMatchObject({
      created: true,
      balanceAfter: '9.250000',
      campaign: { ...{ campaignId: account.campaignId }, spent: '0.750000', dailyBudget: '5.000000', status: 'ACTIVE' },
    });
    expect(await ledger.balanceOf(account)).toBe('9.250000');
    expect(await ledger.daysOf(account)).toEqual([
      { day: '2026-11-24', spent: '0.750000', clicks: 1, refunded: '0.000000' },
    ]);
  });

  it('is made once, however often it comes, and a repeat is answered with what was stored', async () => {
    const account = await ledger.account();
    const click = aClick(account);

    const first = await ledger.post(click);
    await ledger.post(aClick(account));
    const repeat = await ledger.post(click);

    expect(repeat).toEqual({ ...first, created: false, campaign: { ...first.campaign, spent: '0.500000' } });
    expect(await ledger.historyOf(account)).toHaveLength(2);
  });

  it('meets its repeat in the same group', async () => {
    const account = await ledger.account();
    const click = aClick(account);

    const results = await Promise.all([click, aClick(account), click, click].map((posting) => ledger.post(posting)));

    expect(results.map(({ created }) => created)).toEqual([true, true, false, false]);
    expect(new Set([results[0]?.historyId, results[2]?.historyId, results[3]?.historyId]).size).toBe(1);
  });

  it('stays charged when the same record comes again at another price', async () => {
    const account = await ledger.account();
    const offset = uniqueId();
    await ledger.post(aClick(account, { offset, amount: '0.25' }));

    const repeat = await ledger.post(aClick(account, { offset, amount: '0.40' }));

    expect(repeat).toMatchObject({ created: false, balanceAfter: '99.750000' });
  });

  it('counts for the day of its record in the budget time zone', async () => {
    const account = await ledger.account();
    const clickAt = (time: string) => {
      const origin = { topic: 'ad-events', partition: 0, offset: uniqueId(), timestamp: Date.parse(time) };
      return aClick(account, { origin, idempotencyKey: `record:${origin.offset}` });
    };
    const group = ['2026-11-24T14:59:59.999Z', '2026-11-24T15:00:00.000Z', '2026-11-25T14:59:59.999Z'].map(clickAt);

    const results = await Promise.all(group.map((click) => ledger.post(click)));

    expect(results.map(({ campaign }) => [campaign?.day, campaign?.spent])).toEqual([
      ['2026-11-24', '0.250000'],
      ['2026-11-25', '0.500000'],
      ['2026-11-25', '0.500000'],
    ]);
    expect(await ledger.daysOf(account)).toMatchObject([
      { day: '2026-11-24', clicks: 1 },
      { day: '2026-11-25', clicks: 2 },
    ]);
  });

  it('is kept whatever time its producer gave it', async () => {
    const account = await ledger.account();
    const wild = [-1, 0, 1, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER].map((timestamp) =>
      aClick(account, {
        origin: { topic: 'ad-events', partition: 0, offset: uniqueId(), timestamp },
        idempotencyKey: `record:${uniqueId()}`,
      }),
    );

    await Promise.all(wild.map((click) => ledger.post(click)));
    const repeats = await Promise.all(wild.map((click) => ledger.post(click)));

    expect(repeats.every(({ created }) => !created)).toBe(true);
    expect(await ledger.balanceOf(account)).toBe('98.750000');
  });

  it('takes ids, amounts and texts as they are', async () => {
    const account = { advertiserId: 9223372036854775807n, campaignId: 9223372036854775807n };
    await database.query(
      `insert into advertisers (id, name, balance, opening_balance) values (9223372036854775807, '', 99999999999999.999999, 99999999999999.999999)`,
    );
    await addCampaign(database, account);
    const eventId = `quoted " and \\ and {braces}, NULL, ü🙂 \n`;

    const result = await ledger.post(aClick(account, { amount: '12345678901234.123456', eventId }));

    expect(result.balanceAfter).toBe('87654321098765.876543');
    const rows = await database.query('select event_id from ad_balance_histories where id = $1', [
      String(result.historyId),
    ]);
    expect(rows).toEqual([{ event_id: eventId }]);
  });
});

describe('a refund', () => {
  it('is paid back and logged in one', async () => {
    const account = await ledger.account();
    await ledger.post(aClick(account));

    const refund = aRefund(account, { compensationId: `c-${uniqueId()}` });
    const result = await ledger.post({
      ...refund,
      duplicateClick: {
        ...refund.duplicateClick,
        originalEventId: 'e1',
        duplicateEventId: 'e2',
        reason: 'twice',
        detectedAt: NOON_MS,
      },
    });

    expect(result).toMatchObject({ created: true, balanceAfter: '100.000000', campaign: { spent: '0.000000' } });
    expect(await ledger.daysOf(account)).toMatchObject([{ spent: '0.250000', clicks: 1, refunded: '0.250000' }]);
    const logs = await database.query(
      `select campaign_id::text, original_event_id, duplicate_event_id, reason, refund_amount::text, detected_at
       from duplicate_click_logs where history_id = $1`,
      [String(result.historyId)],
    );
    expect(logs).toEqual([
      {
        campaign_id: String(account.campaignId),
        original_event_id: 'e1',
        duplicate_event_id: 'e2',
        reason: 'twice',
        refund_amount: '0.250000',
        detected_at: new Date(NOON_MS),
      },
    ]);
  });

  it('is paid once per compensation, also when it comes as another record at another time', async () => {
    const account = await ledger.account();
    const first = aRefund(account);
    const origin = { ...first.origin, offset: uniqueId(), timestamp: NOON_MS + 40 * 86_400_000 };

    const paid = await ledger.post(first);
    await ledger.post(aRefund(account));
    const repeat = await ledger.post({ ...first, origin });

    expect(repeat).toEqual({ ...paid, created: false, campaign: { ...paid.campaign, spent: '-0.500000' } });
    expect(await ledger.balanceOf(account)).toBe('100.500000');
  });

  it('conflicts with an earlier one of the same compensation but another amount or advertiser', async () => {
    const [account, other] = [await ledger.account(), await ledger.account()];
    const refund = aRefund(account, { compensationId: 'same' });
    await ledger.post(refund);

    const before = `"compensation:same" was posted before as REFUND of 0.250000 for advertiser ${account.advertiserId}`;
    const now = `and comes now as REFUND of 0.26 for advertiser ${account.advertiserId}`;
    await expect(ledger.post({ ...refund, amount: '0.26' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      message: `${before}, ${now}`,
    });
    const elsewhere = { ...refund.origin, timestamp: NOON_MS + 1, offset: uniqueId() };
    await expect(ledger.post({ ...refund, amount: '0.26', origin: elsewhere })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      message: `${before}, ${now}`,
    });
    await expect(
      ledger.post({ ...aRefund(other, { compensationId: 'same' }), origin: elsewhere }),
    ).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
    expect(await ledger.balanceOf(other)).toBe('100.000000');
  });

  it('is paid once when two advertisers are told of the same compensation at the same moment', async () => {
    const accounts = await Promise.all(Array.from({ length: 40 }, () => ledger.account()));
    const others = await Promise.all(Array.from({ length: 40 }, () => ledger.account()));
    const ids = accounts.map(() => `c-${uniqueId()}`);
    const [one, two] = [ledger.open(), ledger.open()];

    const results = await Promise.allSettled([
      ...accounts.map((account, i) => one.post(aRefund(account, { compensationId: ids[i] ?? '' }))),
      ...others.reverse().map((account, i) => two.post(aRefund(account, { compensationId: ids[i] ?? '' }))),
    ]);

    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(ids.length);
    expect(refused.every(({ reason }) => (reason as { code?: string }).code === 'IDEMPOTENCY_CONFLICT')).toBe(true);
  });

  it('goes without a campaign when that is unknown or somebody else’s, and keeps what it said in the log', async () => {
    const [account, other] = [await ledger.account(), await ledger.account()];

    const foreign = await ledger.post(aRefund({ ...account, campaignId: other.campaignId }));
    const unknown = await ledger.post(aRefund({ ...account, campaignId: uniqueId() }));
    const none = await ledger.post({ ...aRefund(account), duplicateClick: {}, idempotencyKey: `record:${uniqueId()}` });

    expect([foreign, unknown, none].map(({ campaign }) => campaign)).toEqual([null, null, null]);
    expect(await ledger.historyOf(account)).toMatchObject([
      { campaign_id: null },
      { campaign_id: null },
      { campaign_id: null },
    ]);
    expect(await ledger.daysOf(other)).toEqual([]);
    const logs = await database.query('select campaign_id::text from duplicate_click_logs where history_id = $1', [
      String(foreign.historyId),
    ]);
    expect(logs).toEqual([{ campaign_id: String(other.campaignId) }]);
  });
});
