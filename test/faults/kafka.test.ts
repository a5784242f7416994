// The broker goes away in every way it can, and comes back on the same port: the Worker goes on by itself, loses nothing and
// gives nothing up. Not ready meanwhile, live all along.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { CLICKS, useOwnWorld, type Account, type OwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

const LAG = new RegExp(`^worker_lag_records\\{topic="ad-events",partition="0",group="${CLICKS}"\\} (\\d+)`, 'm');

describe('while Kafka', () => {
  const own = useOwnWorld();
  let worker: WorkerProcess;
  let accounts: Account[];

  beforeAll(async () => {
    worker = await (await own.startWorker()).ready(60_000);
    accounts = await Promise.all(Array.from({ length: 5 }, () => own.account()));
  });
  afterAll(async () => {
    expect(await own.stopWorker(worker)).toBe(0);
  });

  const status = async (path: string): Promise<number> => (await worker.get(path)).status;
  const notReady = (): Promise<void> =>
    eventually('not ready', 30_000, async () => (await status('/health/ready')) === 503);
  const readyAgain = (): Promise<void> =>
    eventually('ready again', 120_000, async () => (await status('/health/ready')) === 200);
  const kafka = (): OwnWorld['stack']['kafka'] => own.stack.kafka;
  /** How long the outage lasts is its story; nothing is waited for by it. */
  const frozenFor = async (ms: number): Promise<void> => {
    kafka().freeze();
    await notReady();
    for (const until = Date.now() + ms; Date.now() < until;) {
      expect(await status('/health/live')).toBe(200);
      await pause(500);
    }
    kafka().thaw();
  };

  it.each<[how: string, outage: () => Promise<void>]>([
    [
      'is stopped and started again',
      async () => {
        await kafka().stop();
        await notReady();
        expect(await status('/health/live')).toBe(200);
        await kafka().start();
      },
    ],
    ['hangs for ten seconds', () => frozenFor(10_000)],
    ['hangs for longer than the session of a member', () => frozenFor(40_000)],
  ])(
    '%s, nothing is lost, given up or charged twice',
    async (_how, outage) => {
      const joined = (await own.charged()) + 1;
      await own.click(accounts, 2_000);
      await own.chargedAtLeast(joined);

      await outage();
      await readyAgain();
      await own.click(accounts, 300);

      await own.everyClickIsChargedOnce();
      expect(worker.exited).toBe(false);
    },
    240_000,
  );

  it('is away, a record that has to become a dead letter is kept, and so are the clicks before it', async () => {
    const account = accounts[0] as Account;
    // Held up by Postgres, the records are in hand when the broker goes.
    own.stack.postgres.freeze();
    await own.click([account], 50, 0);
    const poison = { eventType: 'CLICK', campaignId: 1, advertiserId: 1 };
    await own.world.produce('ad-events', [{ value: JSON.stringify(poison), partition: 0 }]);
    await eventually(
      '51 records are in hand',
      30_000,
      async () => LAG.exec((await worker.get('/metrics')).body)?.[1] === '51',
    );
    await kafka().stop();
    own.stack.postgres.thaw();
    await eventually('only Kafka is away', 60_000, async () => {
      const { body } = await worker.get('/health/ready');
      return /"database":\{[^}]*"up"/.test(body) && /"kafka":\{[^}]*"down"/.test(body);
    });
    expect(await status('/health/live')).toBe(200);
    await kafka().start();
    await readyAgain();

    await own.everyClickIsChargedOnce({ dead: 1 });
    const committed = await own.world.topics.committed(CLICKS, 'ad-events');
    expect(committed.get(0)).toBe((await own.world.topics.ends('ad-events')).get(0)?.high);
  }, 180_000);
});
