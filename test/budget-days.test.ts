// Days begin by the clock of the budget zone. The Workers go by a clock that the test sets: midnights, grace and daylight
// saving come in seconds. A database is pinned to its zone, and two replicas share it, so the file has its own stack.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { BudgetCalendar } from '../src/budget-monitor/budget-calendar.js';
import { eventually } from './support/eventually.js';
import { aClick, uniqueId } from './support/fixtures.js';
import { useOwnWorld } from './support/own-world.js';
import { SteeredClock } from './support/steered-clock.js';
import type { WorkerProcess } from './support/worker-process.js';
import type { Alert, TestCampaign } from './support/world.js';

const ZONE = 'Europe/Berlin';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const GRACE_MINUTES = 10;
/** Several times as long as a counter that was seen waits until it is kept. */
const KEPT_WITHIN_MS = 20_000;

describe('a budget day', () => {
  const own = useOwnWorld();
  const clock = new SteeredClock();
  const calendar = new BudgetCalendar(ZONE);
  /** The broker refuses records from the future: so it is today's midnight that comes again, and not tomorrow's. */
  const midnight = calendar.dayAt(Date.now()).startsAt;
  const today = calendar.dayAt(midnight).date;
  const yesterday = calendar.dayAt(midnight - 1).date;
  afterEach(() => own.stopAllWorkers());
  afterAll(() => {
    clock.close();
  });

  const start = async (): Promise<WorkerProcess> => {
    const env = { BUDGET_TIMEZONE: ZONE, BUDGET_RESET_GRACE_MINUTES: String(GRACE_MINUTES) };
    return (await own.startWorker(env, { clock })).ready(60_000);
  };
  const campaignWith = async (dailyBudget: string): Promise<TestCampaign> =>
    own.world.campaign(await own.world.advertiser(), { redisCpc: '1', dailyBudget });
  const clickAt = async (campaign: TestCampaign, ms: number): Promise<void> => {
    const value = aClick({ campaignId: campaign.id, advertiserId: campaign.advertiserId });
    await own.world.produce('ad-events', [{ value, timestamp: String(Math.round(ms)) }]);
    await own.settled();
  };
  const status = async (campaign: TestCampaign): Promise<string | undefined> =>
    (await own.world.statusOf(campaign))?.status;
  const becomes = (campaign: TestCampaign, wanted: string): Promise<void> =>
    eventually(`campaign ${campaign.id} is ${wanted}`, 20_000, async () => (await status(campaign)) === wanted);
  const pausedOn = (campaign: TestCampaign, day: string): Promise<unknown> =>
    own.world.database.query(
      `update campaigns set status = 'PAUSED', status_reason = 'BUDGET_EXHAUSTED', budget_paused_on = $2, budget_paused_spent = daily_budget
       where id = $1`,
      [campaign.id, day],
    );

  it('begins for ten thousand campaigns within seconds, with two replicas; each is announced once', async () => {
    const count = 10_000;
    clock.set(midnight - HOUR_MS);
    await Promise.all([start(), start()]);
    const advertiser = await own.world.advertiser();
    const first = uniqueId() * 2n;
    await own.world.database.query(
      `insert into campaigns (id, advertiser_id, name, daily_budget, status, status_reason, budget_paused_on, budget_paused_spent)
       select $1::bigint + i, $2, 'campaign', 5, 'PAUSED', 'BUDGET_EXHAUSTED', $3, 5 from generate_series(1, $4::int) i`,
      [first, advertiser.id, yesterday, count],
    );
    const active = async (): Promise<number> => {
      const { rows } = await own.world.database.query<{ n: number }>(
        `select count(*)::int as n from campaigns where advertiser_id = $1 and status = 'ACTIVE'`,
        [advertiser.id],
      );
      return rows[0]?.n ?? 0;
    };
    expect(await active()).toBe(0);

    clock.set(midnight);
    const campaign = await campaignWith('100');
    await clickAt(campaign, clock.now());
    await eventually('all are active', 30_000, async () => (await active()) === count);
    await eventually('all is announced', 60_000, async () => {
      const { rows } = await own.world.database.query<{ n: number }>(
        'select count(*)::int as n from campaign_transitions where announced_at is null',
      );
      return rows[0]?.n === 0;
    });

    const records = await own.world.topics.read('alert-events');
    const alerts = records.map(({ value }) => JSON.parse(String(value)) as Alert);
    const mine = alerts.filter(({ subject }) => subject.advertiserId === String(advertiser.id));
    expect(mine).toHaveLength(count);
    expect(new Set(mine.map(({ alertId }) => alertId)).size).toBe(count);
    expect(new Set(mine.map(({ subject }) => subject.campaignId)).size).toBe(count);
    expect(mine[0]).toMatchObject({ type: 'CAMPAIGN_RESUMED', details: { reason: 'DAY_STARTED', day: today } });
  }, 180_000);

  it('ends with its last click: one from just before midnight that is charged after it pauses nothing', async () => {
    clock.set(midnight - 5 * MINUTE_MS);
    await start();
    const [early, late] = [await campaignWith('1'), await campaignWith('1')];

    await clickAt(early, midnight - 4 * MINUTE_MS);
    const before = await own.world.statusOf(early);
    clock.set(midnight + 1);
    await becomes(early, 'ACTIVE');
    await clickAt(late, midnight - 1);
    const charged = await own.world.dailySpendOf(late);

    expect(before).toMatchObject({ status: 'PAUSED', budget_paused_on: yesterday });
    expect(charged).toMatchObject([{ day: yesterday, spent: '1.000000' }]);
    expect(await status(late)).toBe('ACTIVE');
    expect(await own.world.transitionsOf(late)).toEqual([]);
  }, 120_000);

  it('that began while no Worker ran is caught up with at the start', async () => {
    const campaign = await campaignWith('1');
    clock.set(midnight - HOUR_MS);
    const worker = await start();
    await clickAt(campaign, clock.now());
    await becomes(campaign, 'PAUSED');
    await own.stopWorker(worker);

    clock.set(midnight + 3 * HOUR_MS);
    await start();

    await becomes(campaign, 'ACTIVE');
  }, 120_000);

  it.each([
    ['23 hours', '2026-03-29', 23],
    ['25 hours', '2026-10-25', 25],
  ])(
    'has %s where the clock is changed',
    async (_hours, day, hours) => {
      const startsAt = calendar.dayAt(Date.parse(`${day}T12:00:00Z`)).startsAt;
      clock.set(startsAt + (hours - 1) * HOUR_MS + 59 * MINUTE_MS);
      const [campaign, witness] = [await campaignWith('1'), await campaignWith('1')];
      await pausedOn(campaign, day);
      await pausedOn(witness, calendar.dayAt(startsAt - 1).date);
      await start();

      await becomes(witness, 'ACTIVE'); // the sweep that could have resumed both is over
      const before = await status(campaign);
      clock.set(startsAt + hours * HOUR_MS);

      expect(before).toBe('PAUSED');
      await becomes(campaign, 'ACTIVE');
    },
    120_000,
  );

  it('begins without the counter of the day before: it pauses nobody, in the grace and after, until it was seen to begin anew', async () => {
    const campaign = await campaignWith('100');
    const counts = (counter: string): Promise<unknown> => own.world.redis.set(`daily_budget:${campaign.id}`, counter);
    const kept = (column: string, value: string): Promise<void> =>
      eventually(`${column} of ${campaign.id} is ${value}`, KEPT_WITHIN_MS, async () => {
        const { rows } = await own.world.database.query<{ value: string }>(
          `select ${column}::text as value from daily_spend where campaign_id = $1 order by day desc limit 1`,
          [campaign.id],
        );
        return rows[0]?.value === value;
      });
    clock.set(midnight - HOUR_MS);
    const worker = await start();
    await counts('100');
    await clickAt(campaign, clock.now());
    expect(await own.world.statusOf(campaign)).toMatchObject({ status: 'PAUSED', budget_paused_on: yesterday });
    await kept('last_counter', '100.000000');

    clock.set(midnight);
    await becomes(campaign, 'ACTIVE');
    await clickAt(campaign, clock.now());
    const inGrace = await status(campaign);
    clock.set(midnight + (GRACE_MINUTES + 1) * MINUTE_MS);
    await clickAt(campaign, clock.now());
    const afterGrace = await status(campaign);
    await own.kill(worker);
    await start();
    await clickAt(campaign, clock.now());
    const afterRestart = await status(campaign);
    await counts('5');
    await clickAt(campaign, clock.now());
    await kept('counter_reset', 'true');
    await own.kill(own.workers.at(-1) as WorkerProcess);
    await start();
    await counts('120');
    await clickAt(campaign, clock.now());

    expect([inGrace, afterGrace, afterRestart]).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE']);
    expect(await own.world.statusOf(campaign)).toMatchObject({
      status: 'PAUSED',
      budget_paused_on: today,
      budget_paused_spent: '120.000000',
    });
  }, 240_000);

  it('believes no counter in its grace, and after it one of which nothing is known of the day before', async () => {
    const campaign = await campaignWith('100');
    await own.world.redis.set(`daily_budget:${campaign.id}`, '100');
    clock.set(midnight + (GRACE_MINUTES - 1) * MINUTE_MS);
    await start();

    await clickAt(campaign, clock.now());
    const inGrace = await status(campaign);
    clock.set(midnight + GRACE_MINUTES * MINUTE_MS);
    await clickAt(campaign, clock.now());

    expect(inGrace).toBe('ACTIVE');
    expect(await status(campaign)).toBe('PAUSED');
  }, 120_000);
});
