import { describe, expect, it } from 'vitest';
import { dateIn } from './support/budget-zone.js';
import { eventually } from './support/eventually.js';
import { aClick, aCompensation } from './support/fixtures.js';
import { useWorker, type Alert, type TestCampaign } from './support/world.js';

const GROUP = 'click-balance-processor';
/** Budgets are swept several times a minute. */
const WITHIN_A_MINUTE = 60_000;
const ONE_DAY_MS = 24 * 60 * 60 * 1_000;

describe('a daily budget', () => {
  const world = useWorker();
  const zone = world.env['BUDGET_TIMEZONE'] ?? '';

  const campaignWith = async (dailyBudget: string | null, redisCpc = '1'): Promise<TestCampaign> =>
    world.campaign(await world.advertiser(), { redisCpc, dailyBudget });
  const click = async (campaign: TestCampaign, count = 1, timestamp?: string): Promise<void> => {
    const records = Array.from({ length: count }, () => ({
      value: aClick({ campaignId: campaign.id, advertiserId: campaign.advertiserId }),
      ...(timestamp === undefined ? {} : { timestamp }),
    }));
    await world.produce('ad-events', records);
    await world.settled(GROUP);
  };
  const set = (campaign: TestCampaign, columns: string): Promise<unknown> =>
    world.database.query(`update campaigns set ${columns} where id = ${campaign.id}`);
  const reaches = (campaign: TestCampaign, status: string): Promise<void> =>
    eventually(`campaign ${campaign.id} is ${status}`, WITHIN_A_MINUTE, async () => {
      return (await world.statusOf(campaign))?.status === status;
    });
  const alertsOf = async (campaign: TestCampaign, count: number): Promise<Alert[]> => {
    let alerts: Alert[] = [];
    await eventually(`${count} alerts about campaign ${campaign.id}`, 30_000, async () => {
      alerts = await world.alertsAbout(campaign);
      return alerts.length >= count;
    });
    return alerts;
  };

  it('pauses its campaign with the click that reaches it, in the database before the click is settled, and says so', async () => {
    const campaign = await campaignWith('3');

    await click(campaign, 2);
    const before = await world.statusOf(campaign);
    await click(campaign);
    const after = await world.statusOf(campaign);

    expect(before).toMatchObject({ status: 'ACTIVE' });
    expect(after).toEqual({
      status: 'PAUSED',
      status_reason: 'BUDGET_EXHAUSTED',
      budget_paused_on: dateIn(zone),
      budget_paused_spent: '3.000000',
    });
    const [alert, ...more] = await alertsOf(campaign, 1);
    expect(more).toEqual([]);
    expect(alert).toMatchObject({
      type: 'CAMPAIGN_PAUSED',
      subject: { campaignId: String(campaign.id), advertiserId: String(campaign.advertiserId) },
      details: { spent: '3.000000', budget: '3.000000', usageRate: 1, source: 'ledger', day: dateIn(zone) },
    });
    await eventually('the transition is marked', 10_000, async () => {
      return (await world.transitionsOf(campaign)).every(({ announced }) => announced);
    });
    expect(await world.transitionsOf(campaign)).toMatchObject([{ to_status: 'PAUSED', reason: 'BUDGET_EXHAUSTED' }]);
  });

  it('that the counter in Redis has reached pauses with the next click', async () => {
    const campaign = await campaignWith('100');
    await world.redis.set(`daily_budget:${campaign.id}`, '100');

    await click(campaign);

    expect(await world.statusOf(campaign)).toMatchObject({ status: 'PAUSED', budget_paused_spent: '100.000000' });
    expect(await alertsOf(campaign, 1)).toMatchObject([{ details: { source: 'redis', spent: '100.000000' } }]);
  });

  it('goes by the ledger where the counter in Redis has stopped', async () => {
    const campaign = await campaignWith('2');
    await world.redis.set(`daily_budget:${campaign.id}`, '0.5');

    await click(campaign, 2);

    expect(await world.statusOf(campaign)).toMatchObject({ status: 'PAUSED', budget_paused_spent: '2.000000' });
  });

  it.each(['-100', '1e3', ' 100', '100 ', '+100', 'NaN', 'Infinity', '0x64', '1_000', '', '100,0', '{"v":100}'])(
    'takes no notice of the counter %j',
    async (counter) => {
      const campaign = await campaignWith('100');
      await world.redis.set(`daily_budget:${campaign.id}`, counter);

      await click(campaign);

      expect(await world.statusOf(campaign)).toMatchObject({ status: 'ACTIVE' });
    },
  );

  it.each(['100.00', '000100', '100.0000000001', '99999999999999999999999'])(
    'reads the counter %j',
    async (counter) => {
      const campaign = await campaignWith('100');
      await world.redis.set(`daily_budget:${campaign.id}`, counter);

      await click(campaign);

      expect(await world.statusOf(campaign)).toMatchObject({ status: 'PAUSED' });
    },
  );

  it('warns once from 90 % on', async () => {
    const campaign = await campaignWith('10');

    await click(campaign, 8);
    const before = await world.alertsAbout(campaign);
    await world.redis.set(`daily_budget:${campaign.id}`, '9');
    for (let i = 0; i < 3; i++) {
      await set(campaign, `daily_budget = daily_budget + 1`);
      await world.redis.set(`daily_budget:${campaign.id}`, `${10 + i}`);
      await click(campaign);
    }

    expect(before).toEqual([]);
    expect(await alertsOf(campaign, 1)).toMatchObject([
      {
        alertId: `budget-warning:${campaign.id}:${dateIn(zone)}`,
        type: 'BUDGET_WARNING',
        severity: 'warning',
        details: { spent: '10.000000', budget: '11.000000', usageRate: 0.909, source: 'redis', day: dateIn(zone) },
      },
    ]);
    expect(await world.statusOf(campaign)).toMatchObject({ status: 'ACTIVE' });
  });

  it('of nothing (or NaN) is unlimited, of zero is used up by the first click', async () => {
    const [unlimited, odd, none] = [await campaignWith(null), await campaignWith('NaN'), await campaignWith('0')];
    await click(odd);
    await world.redis.set(`daily_budget:${unlimited.id}`, '1000000');

    await click(unlimited, 2);
    await click(none);

    expect(await world.statusOf(unlimited)).toMatchObject({ status: 'ACTIVE' });
    expect(await world.statusOf(odd)).toMatchObject({ status: 'ACTIVE' });
    expect(await world.dailySpendOf(odd)).toMatchObject([{ clicks: '1' }]);
    expect(await world.statusOf(none)).toMatchObject({ status: 'PAUSED', budget_paused_spent: '1.000000' });
    expect(await alertsOf(none, 1)).toMatchObject([{ details: { usageRate: null, budget: '0.000000' } }]);
  });

  it('is not used up by the clicks of another day', async () => {
    const campaign = await campaignWith('2');

    await click(campaign, 5, String(Date.now() - ONE_DAY_MS));

    expect(await world.statusOf(campaign)).toMatchObject({ status: 'ACTIVE' });
    expect(await world.dailySpendOf(campaign)).toMatchObject([{ day: dateIn(zone, -1), spent: '5.000000' }]);
  });

  it('still charges the clicks of a paused campaign, and leaves a campaign alone that does not run for another reason', async () => {
    const [paused, stopped, ended] = [await campaignWith('2'), await campaignWith('2'), await campaignWith('2')];
    await set(stopped, `status = 'PAUSED', status_reason = 'BY_HAND'`);
    await set(ended, `status = 'ENDED'`);

    for (const campaign of [paused, stopped, ended]) await click(campaign, 4);

    for (const campaign of [paused, stopped, ended]) {
      expect(await world.dailySpendOf(campaign)).toMatchObject([{ spent: '4.000000', clicks: '4' }]);
    }
    expect(await world.statusOf(stopped)).toMatchObject({ status: 'PAUSED', status_reason: 'BY_HAND' });
    expect(await world.statusOf(ended)).toMatchObject({ status: 'ENDED' });
    expect([await world.transitionsOf(stopped), await world.transitionsOf(ended)]).toEqual([[], []]);
    expect(await world.transitionsOf(paused)).toHaveLength(1);
  });

  it('is decided again for a repeat: a crash just after the charge loses no pause', async () => {
    const campaign = await campaignWith('1');
    const [place] = await world.produce('ad-events', [
      aClick({ campaignId: campaign.id, advertiserId: campaign.advertiserId }),
    ]);
    await world.settled(GROUP);
    // As if the Worker had died between the two.
    await set(campaign, `status = 'ACTIVE', status_reason = null, budget_paused_on = null, budget_paused_spent = null`);

    const [history] = await world.historyOf({ id: campaign.advertiserId });
    await world.produce('ad-events.retry', [
      {
        value: aClick({ campaignId: campaign.id, advertiserId: campaign.advertiserId }),
        headers: {
          'dlq-origin-topic': 'ad-events',
          'dlq-origin-partition': String(place?.partition),
          'dlq-origin-offset': String(place?.baseOffset),
          'dlq-origin-timestamp': String(history?.recorded_at.getTime()),
          'dlq-attempt': '2',
        },
      },
    ]);
    await world.settled(`${GROUP}-retry`);

    expect(await world.statusOf(campaign)).toMatchObject({ status: 'PAUSED', status_reason: 'BUDGET_EXHAUSTED' });
    expect(await world.historyOf({ id: campaign.advertiserId })).toHaveLength(1);
  });

  it('that is raised or lifted lets its campaign run again within a minute; what has not changed stays', async () => {
    const [raised, lifted, same, raisedTooLittle, ofUnknownSpending, byCounter] = await Promise.all(
      Array.from({ length: 6 }, () => campaignWith('2')),
    );
    if (!raised || !lifted || !same || !raisedTooLittle || !ofUnknownSpending || !byCounter) throw new Error('six');
    await world.redis.set(`daily_budget:${byCounter.id}`, '4');
    for (const each of [raised, lifted, same, raisedTooLittle, ofUnknownSpending, byCounter]) await click(each, 3);

    await set(raised, 'daily_budget = 3.01');
    await set(lifted, 'daily_budget = null');
    await set(raisedTooLittle, 'daily_budget = 3');
    await set(ofUnknownSpending, 'daily_budget = 100, budget_paused_spent = null');
    await world.redis.set(`daily_budget:${byCounter.id}`, '6');
    await set(byCounter, 'daily_budget = 5.5');
    await Promise.all([reaches(raised, 'ACTIVE'), reaches(lifted, 'ACTIVE')]);
    await set(byCounter, 'daily_budget = 6.5');
    await reaches(byCounter, 'ACTIVE');

    expect(await world.statusOf(raised)).toEqual({
      status: 'ACTIVE',
      status_reason: null,
      budget_paused_on: null,
      budget_paused_spent: null,
    });
    for (const each of [same, raisedTooLittle, ofUnknownSpending]) {
      expect(await world.statusOf(each)).toMatchObject({ status: 'PAUSED' });
    }
    expect(await world.transitionsOf(byCounter)).toHaveLength(2);
    expect(await alertsOf(raised, 2)).toMatchObject([
      { type: 'CAMPAIGN_PAUSED' },
      { type: 'CAMPAIGN_RESUMED', severity: 'info', details: { reason: 'BUDGET_RAISED', budget: '3.010000' } },
    ]);
  });

  it('that has room again after a refund lets nobody run again: that takes a raised budget or a new day', async () => {
    const refunded = await campaignWith('2');
    await click(refunded, 2);
    await reaches(refunded, 'PAUSED');

    const { id: campaignId, advertiserId } = refunded;
    await world.produce('compensation-events', [aCompensation({ advertiserId, campaignId, refundAmount: '2' })]);
    await world.settled('compensation-processor');
    // A whole sweep has passed between the first one's turn and the second's.
    for (const other of [await campaignWith('1'), await campaignWith('1')]) {
      await click(other);
      await set(other, 'daily_budget = null');
      await reaches(other, 'ACTIVE');
    }

    expect(await world.dailySpendOf(refunded)).toMatchObject([{ spent: '2.000000', refunded: '2.000000' }]);
    expect(await world.statusOf(refunded)).toMatchObject({ status: 'PAUSED', budget_paused_spent: '2.000000' });
    expect(await world.transitionsOf(refunded)).toMatchObject([{ to_status: 'PAUSED' }]);
  }, 150_000);

  it('of an earlier day lets its campaign run again, unless today is used up too or somebody paused it by hand', async () => {
    const [yesterday, unknownDay, usedUp, byHand, nothing] = await Promise.all(
      ['5', '5', '5', '5', '0'].map((budget) => campaignWith(budget)),
    );
    if (!yesterday || !unknownDay || !usedUp || !byHand || !nothing) throw new Error('five');
    await set(usedUp, `status = 'PAUSED'`); // no click of it may pause it for today
    await click(usedUp, 6);
    const paused = (reason: string, on: string) =>
      `status = 'PAUSED', status_reason = '${reason}', status_changed_at = now() - interval '1 day', budget_paused_on = ${on}`;
    const day = `'${dateIn(zone, -1)}'`;

    await set(usedUp, paused('BUDGET_EXHAUSTED', day));
    await set(byHand, paused('BY_HAND', day));
    await set(nothing, paused('BUDGET_EXHAUSTED', day));
    await set(yesterday, paused('BUDGET_EXHAUSTED', day));
    await set(unknownDay, paused('BUDGET_EXHAUSTED', 'null'));
    await Promise.all([reaches(yesterday, 'ACTIVE'), reaches(unknownDay, 'ACTIVE')]);

    for (const each of [usedUp, byHand, nothing]) {
      expect(await world.statusOf(each)).toMatchObject({ status: 'PAUSED' });
    }
    expect(await alertsOf(yesterday, 1)).toMatchObject([
      { type: 'CAMPAIGN_RESUMED', details: { reason: 'DAY_STARTED' } },
    ]);
  });

  it('has each change announced once, also one whose replica died before it could, and one that somebody else made', async () => {
    const [campaign, odd] = [await campaignWith('5'), await campaignWith('NaN')];

    await set(campaign, `name = repeat('n', 2000000)`);
    await world.database.query(
      `insert into campaign_transitions (campaign_id, from_status, to_status, reason, details) values
       ($1, 'ACTIVE', 'PAUSED', null, null), ($1, 'PAUSED', 'ACTIVE', 'x', '[]'), ($1, 'ACTIVE', 'PAUSED', 'BUDGET_EXHAUSTED', '{"spent":[],"budget":{}}')`,
      [odd.id],
    );
    await world.database.query(
      `insert into campaign_transitions (campaign_id, from_status, to_status, reason) values ($1, 'ACTIVE', 'PAUSED', 'BY_HAND')`,
      [campaign.id],
    );
    const alerts = await alertsOf(campaign, 1);
    await eventually('it is marked', 10_000, async () => (await world.transitionsOf(campaign))[0]?.announced ?? false);

    expect(alerts).toMatchObject([{ type: 'CAMPAIGN_PAUSED', details: { reason: 'BY_HAND', budget: '5.000000' } }]);
    expect(alerts[0]?.message).toContain(` (${'n'.repeat(200)}) is paused`);
    expect(await world.alertsAbout(campaign)).toHaveLength(1);
    expect(await alertsOf(odd, 3)).toHaveLength(3);
  });

  it('is measured: how long a pause took, and what was charged above it', async () => {
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`${world.workerUrl}/metrics`)).text();
      return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
    };
    const [pauses, overspend] = [
      await metric('worker_pause_latency_seconds_count'),
      await metric('worker_budget_overspend_total'),
    ];
    const campaign = await campaignWith('2.25');

    await click(campaign, 5);

    expect(await metric('worker_pause_latency_seconds_count')).toBeGreaterThanOrEqual(pauses + 1);
    expect(await metric('worker_budget_overspend_total')).toBeGreaterThanOrEqual(overspend + 2.75);
  });
});

describe('a balance', () => {
  const world = useWorker();

  it('that falls to zero or below is told once for each time', async () => {
    const advertiser = await world.advertiser({ balance: '2' });
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });
    const click = async (count: number): Promise<void> => {
      const value = aClick({ campaignId: campaign.id, advertiserId: advertiser.id });
      await world.produce('ad-events', Array<string>(count).fill(value));
      await world.settled(GROUP);
    };

    await click(5);
    const first = await world.alertsAbout(advertiser);
    await world.database.query(`select ledger_top_up($1, 4, $2)`, [advertiser.id, `top-up-${advertiser.id}`]);
    await click(3);

    expect(first).toMatchObject([
      { type: 'BALANCE_EXHAUSTED', severity: 'critical', details: { balance: '0.000000' } },
    ]);
    expect((await world.alertsAbout(advertiser)).map(({ details }) => details['balance'])).toEqual([
      '0.000000',
      '0.000000',
    ]);
  });
});
