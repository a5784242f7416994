// Redis is stopped, and hangs: that is no failure. Prices come from the database, the Worker stays ready and says
// `degraded`, and a click does not wait for it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Load, useOwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

describe('while Redis', () => {
  const own = useOwnWorld();
  let worker: WorkerProcess;

  beforeAll(async () => {
    worker = await (await own.startWorker()).ready(60_000);
  });
  afterAll(async () => {
    expect(await own.stopWorker(worker)).toBe(0);
  });

  const health = async (): Promise<{ status: number; degraded: boolean }> => {
    const { status, body } = await worker.get('/health/ready');
    return { status, degraded: body.includes('"degraded"') };
  };
  const says = (degraded: boolean): Promise<void> =>
    eventually(`the Worker is ready, ${degraded ? 'degraded' : 'in full'}`, 30_000, async () => {
      const now = await health();
      return now.status === 200 && now.degraded === degraded;
    });

  it.each<[how: string, away: () => unknown, back: () => unknown]>([
    ['is stopped', () => own.stack.redis.stop(), () => own.stack.redis.start()],
    [
      'hangs',
      () => {
        own.stack.redis.freeze();
      },
      () => {
        own.stack.redis.thaw();
      },
    ],
  ])(
    '%s, clicks go on with the prices of the database',
    async (_how, away, back) => {
      const advertiser = await own.world.advertiser();
      const account = { advertiser, campaign: await own.world.campaign(advertiser, { redisCpc: '2', cpc: '3' }) };
      await own.click([account], 10);
      await own.settled();

      await away();
      await says(true); // noticed although no click has asked for a price since
      const load = new Load(own, [account]);
      await own.chargedAtLeast(500, 60_000, account);
      await load.stop();
      await own.settled();
      const { p50, p99, max } = await own.latencies([account]);
      const meanwhile = await own.world.historyOf(advertiser);
      await back();
      await says(false);
      await own.world.redis.connect().catch(() => undefined);
      await eventually('the test reaches Redis', 30_000, () => own.world.redis.status === 'ready');
      await own.world.redis.set(`cpc:${account.campaign.id}`, '5');
      await eventually('a price comes from Redis again', 30_000, async () => {
        await own.click([account], 1);
        await own.settled();
        return (await own.world.historyOf(advertiser)).at(-1)?.price_source === 'redis';
      });

      await own.everyClickIsChargedOnce();
      const sources = meanwhile.slice(10).map(({ price_source: source, amount }) => `${source ?? ''} ${amount}`);
      expect(new Set(sources)).toEqual(new Set(['database 3.000000']));
      expect((await own.world.historyOf(advertiser)).at(-1)).toMatchObject({ amount: '5.000000' });
      process.stdout.write(`clicks while Redis was away: p50 ${p50} ms, p99 ${p99} ms, longest ${max} ms\n`);
    },
    120_000,
  );

  it('holds values that are no numbers, the database counts, and the log names them', async () => {
    const advertiser = await own.world.advertiser();
    const campaign = await own.world.campaign(advertiser, { redisCpc: 'free', cpc: '3', dailyBudget: '100' });
    await own.world.redis.set(`daily_budget:${campaign.id}`, 'much');

    await own.click([{ advertiser, campaign }], 1);
    await own.settled();

    expect(await own.world.historyOf(advertiser)).toMatchObject([{ price_source: 'database', amount: '3.000000' }]);
    const said = worker.lines.filter(({ context }) => context === 'UnusableValues');
    expect(said.map(({ key, value }) => [key, value])).toEqual([
      [`cpc:${campaign.id}`, 'free'],
      [`daily_budget:${campaign.id}`, 'much'],
    ]);
  });
});
