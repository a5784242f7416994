// A campaign reaches its budget and the Worker is killed at each step that follows: before the pause, before it is announced,
// before it is marked. Another Worker makes up for it: one pause, one alert.
import { afterEach, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { zoneAtNoon } from '../../stack/zone-at-noon.mjs';
import { eventually } from '../support/eventually.js';
import { aClick } from '../support/fixtures.js';
import { CLICKS, useOwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';
import type { TestCampaign } from '../support/world.js';

/** What a trigger waits for that holds the Worker up at a step. */
const GATE = 4711;

describe('a Worker that is killed', () => {
  const own = useOwnWorld();
  const zone = zoneAtNoon();
  afterEach(() => own.stopAllWorkers());

  const start = async (): Promise<WorkerProcess> => (await own.startWorker({ BUDGET_TIMEZONE: zone })).ready(90_000);
  const aCampaign = async (): Promise<TestCampaign> =>
    own.world.campaign(await own.world.advertiser(), { redisCpc: '1', dailyBudget: '1' });
  const click = (campaign: TestCampaign): Promise<unknown> =>
    own.world.produce('ad-events', [aClick({ campaignId: campaign.id, advertiserId: campaign.advertiserId })]);
  const alertIds = async (campaign: TestCampaign): Promise<string[]> =>
    (await own.world.alertsAbout(campaign)).map(({ alertId }) => alertId);
  const settledOnce = async (campaign: TestCampaign): Promise<void> => {
    await own.settled(90_000);
    await eventually('the pause is announced', 30_000, async () => {
      return (await own.world.transitionsOf(campaign)).every(({ announced }) => announced);
    });
    expect(await own.world.statusOf(campaign)).toMatchObject({ status: 'PAUSED', status_reason: 'BUDGET_EXHAUSTED' });
    expect(await own.world.transitionsOf(campaign)).toHaveLength(1);
    expect(new Set(await alertIds(campaign)).size).toBe(1);
    expect(await own.world.dailySpendOf(campaign)).toMatchObject([{ clicks: '1', spent: '1.000000' }]);
    await own.world.booksBalance();
  };
  /** Holds whatever passes a trigger on the table up, until it is let go. */
  const gated = async (event: string, during: () => Promise<void>): Promise<void> => {
    const client: pg.PoolClient = await own.world.database.connect();
    try {
      await client.query(`
        create or replace function gate() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(${GATE}); return new; end $$`);
      await client.query('select pg_advisory_lock($1)', [GATE]);
      await client.query(`create trigger gate before ${event} for each row execute function gate()`);
      await during();
    } finally {
      await client.query('select pg_advisory_unlock_all()');
      await client.query(`drop trigger if exists gate on campaign_transitions`);
      client.release();
    }
  };

  it('between the charge and the pause has the campaign paused by the next one', async () => {
    const worker = await start();
    const campaign = await aCampaign();

    await gated('insert on campaign_transitions', async () => {
      await click(campaign);
      await own.chargedAtLeast(1, 30_000, { advertiser: { id: campaign.advertiserId }, campaign });
      expect(await own.world.statusOf(campaign)).toMatchObject({ status: 'ACTIVE' });
      await own.kill(worker);
    });
    await start();

    await settledOnce(campaign);
  }, 180_000);

  it('between the pause and its announcement has it announced by the next one', async () => {
    const worker = await start();
    const campaign = await aCampaign();
    const { database } = own.world;

    await database.query('revoke update (announced_at) on campaign_transitions from worker');
    await click(campaign);
    await eventually('it is paused', 30_000, async () => (await own.world.statusOf(campaign))?.status === 'PAUSED');
    const before = await alertIds(campaign);
    await own.kill(worker);
    await database.query('grant update (announced_at) on campaign_transitions to worker');
    await start();

    expect(before).toEqual([]);
    await settledOnce(campaign);
    expect(await alertIds(campaign)).toHaveLength(1);
  }, 180_000);

  it('between the announcement and its mark says the same again, under the same id', async () => {
    const worker = await start();
    const campaign = await aCampaign();

    await gated('update on campaign_transitions', async () => {
      await click(campaign);
      await eventually('it is announced', 30_000, async () => (await alertIds(campaign)).length > 0);
      expect(await own.world.transitionsOf(campaign)).toMatchObject([{ announced: false }]);
      await own.kill(worker);
    });
    await start();

    await settledOnce(campaign);
  }, 180_000);

  it('while the broker hangs loses no alert, and settles no click before its warning is with the broker', async () => {
    const worker = await start();
    const campaign = await own.world.campaign(await own.world.advertiser(), { redisCpc: '95', dailyBudget: '100' });
    await own.settled();

    await own.world.redis.set(`cpc:${campaign.id}`, '95');
    await click(campaign);
    own.stack.kafka.freeze();
    await own.stopWorker(worker, 'SIGKILL');
    own.stack.kafka.thaw();
    await own.world.topics.removeMembers();
    await start();
    await own.settled(90_000);

    expect(new Set(await alertIds(campaign))).toEqual(new Set([expect.stringMatching(/^budget-warning:/)]));
    expect(await own.world.dailySpendOf(campaign)).toMatchObject([{ clicks: '1' }]);
  }, 180_000);

  it('after a charge that used up a balance has that told by the next one, whatever the click would cost by now', async () => {
    const worker = await start();
    const advertiser = await own.world.advertiser({ balance: '0.5' });
    const campaign = await own.world.campaign(advertiser, { redisCpc: '1' });
    const value = aClick({ campaignId: campaign.id, advertiserId: advertiser.id });
    const [place] = await own.world.produce('ad-events', [value]);
    await own.settled();
    const [history] = await own.world.historyOf(advertiser);
    await own.kill(worker);

    await own.world.redis.set(`cpc:${campaign.id}`, '0.1');
    await start();
    const headers = {
      'dlq-origin-topic': 'ad-events',
      'dlq-origin-partition': String(place?.partition),
      'dlq-origin-offset': String(place?.baseOffset),
      'dlq-origin-timestamp': String(history?.recorded_at.getTime()),
      'dlq-attempt': '2',
    };
    await own.world.produce('ad-events.retry', [{ value, headers }]);
    await own.world.settled(`${CLICKS}-retry`);

    const alerts = await own.world.alertsAbout(advertiser);
    expect(alerts.map(({ details }) => details['balance'])).toEqual(['-0.500000', '-0.500000']);
    expect(new Set(alerts.map(({ alertId }) => alertId)).size).toBe(1);
    expect(await own.world.historyOf(advertiser)).toHaveLength(1);
  }, 180_000);
});
