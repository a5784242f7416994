// How many clicks turn out to be duplicates is counted over a whole database, so the file has its own stack; the hour that an
// alert is for goes by a clock that the test sets.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually } from './support/eventually.js';
import { aCompensation } from './support/fixtures.js';
import { useOwnWorld, type Account } from './support/own-world.js';
import { SteeredClock } from './support/steered-clock.js';
import type { WorkerProcess } from './support/worker-process.js';
import type { Alert } from './support/world.js';

const HOUR_MS = 60 * 60 * 1_000;
/** Several times as long as a replica waits between two looks. */
const LOOKED_WITHIN_MS = 30_000;

describe('the share of duplicate clicks', () => {
  const own = useOwnWorld();
  const clock = new SteeredClock();
  afterEach(() => own.stopAllWorkers());
  afterAll(() => {
    clock.close();
  });

  const ratioOf = async (worker: WorkerProcess): Promise<number> =>
    Number(/^worker_duplicate_click_ratio (.+)$/m.exec((await worker.get('/metrics')).body)?.[1]);
  const alerts = async (): Promise<Alert[]> =>
    (await own.world.topics.read('alert-events'))
      .map(({ value }) => JSON.parse(String(value)) as Alert)
      .filter(({ type }) => type === 'DUPLICATE_CLICK_RATE');
  const shows = (worker: WorkerProcess, ratio: number): Promise<void> =>
    eventually(`the ratio is ${ratio}`, LOOKED_WITHIN_MS, async () => Math.abs((await ratioOf(worker)) - ratio) < 1e-9);
  const idsReach = async (count: number): Promise<string[]> => {
    let ids: string[] = [];
    await eventually(`${count} different alerts`, LOOKED_WITHIN_MS, async () => {
      ids = [...new Set((await alerts()).map(({ alertId }) => alertId))].sort();
      return ids.length >= count;
    });
    return ids;
  };
  const refund = async ({ advertiser }: Account, count: number): Promise<void> => {
    await own.world.produce(
      'compensation-events',
      Array.from({ length: count }, () => aCompensation({ advertiserId: advertiser.id })),
    );
    await own.world.settled('compensation-processor');
  };

  it('is told once an hour from 100 clicks on, by the counts of all replicas, also after kill -9', async () => {
    // The Worker would make it with the first alert, and for a moment it could be seen but not read.
    await own.world.topics.create('alert-events', 3);
    const halfPast = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS / 2;
    clock.set(halfPast);
    const start = async (): Promise<WorkerProcess> =>
      (await own.startWorker({ DUPLICATE_RATE_ALERT: '5%' }, { clock })).ready(60_000);
    const [one, two] = [await start(), await start()];
    const account = await own.account();
    expect(await ratioOf(one)).toBe(0);

    await own.click([account], 99);
    await own.settled();
    await refund(account, 5);
    await Promise.all([shows(one, 5 / 99), shows(two, 5 / 99)]);
    await own.click([account], 1);
    await own.settled();
    await Promise.all([shows(one, 5 / 100), shows(two, 5 / 100)]);
    const atFivePercent = await alerts();

    await refund(account, 1);
    const [id] = await idsReach(1);
    await Promise.all([shows(one, 6 / 100), shows(two, 6 / 100)]);
    await own.kill(one);
    const three = await start();
    await shows(three, 6 / 100);
    const inThisHour = await alerts();

    clock.set(halfPast + HOUR_MS);
    const ids = await idsReach(2);

    const hour = (ms: number): string => new Date(ms).toISOString().slice(0, 13);
    expect(atFivePercent).toEqual([]);
    expect(id).toBe(`duplicate-click-rate:${hour(halfPast)}`);
    expect(new Set(inThisHour.map(({ alertId }) => alertId))).toEqual(new Set([id]));
    expect(inThisHour.length).toBeLessThanOrEqual(3); // one a process: each says it until it knows that the broker has it
    expect(inThisHour[0]).toMatchObject({
      severity: 'warning',
      details: { refunds: 6, clicks: 100, ratio: 0.06, thresholdPercent: 5 },
    });
    expect(ids).toEqual([id, `duplicate-click-rate:${hour(halfPast + HOUR_MS)}`]);
    await own.world.booksBalance();
  }, 240_000);

  it('forgets old minutes', async () => {
    await own.world.database.query(`insert into posting_minutes values (now() - interval '3 hours', -1, 1000, 0)`);
    await own.startWorker();

    await eventually('it is gone', LOOKED_WITHIN_MS, async () => {
      const { rowCount } = await own.world.database.query('select from posting_minutes where session = -1');
      return rowCount === 0;
    });
  }, 120_000);
});
