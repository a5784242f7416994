// SIGTERM at every moment: the Worker ends with 0 within ten seconds (it ends itself with 1 where it cannot), what is in
// hand is settled and committed, and the rest is the next one's.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { withClient } from '../support/database.js';
import { Load, useOwnWorld, type Account, type OwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

const WITHIN_MS = 10_000;

describe('SIGTERM', () => {
  const own = useOwnWorld();

  /** Ends a Worker, and looks at how long it took. */
  async function terminated(worker: WorkerProcess): Promise<number | null> {
    const begin = performance.now();
    const code = await own.stopWorker(worker);
    const tookMs = Math.round(performance.now() - begin);
    process.stdout.write(`ended with ${code ?? 'a signal'} after ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(WITHIN_MS);
    return code;
  }

  it('under load: what was charged is committed, and the next Worker charges the rest', async () => {
    const accounts = await Promise.all(Array.from({ length: 5 }, () => own.account()));
    const worker = await (await own.startWorker()).ready(60_000);
    const load = new Load(own, accounts, 100);
    await own.chargedAtLeast(1_000);
    await own.click(accounts, 5_000);

    expect(await terminated(worker)).toBe(0);

    expect(await own.chargedButNotCommitted()).toBe(0);
    expect(await own.members()).toBe(0);
    const next = await (await own.startWorker()).ready(60_000);
    await load.stop();
    await own.everyClickIsChargedOnce();
    expect(await terminated(next)).toBe(0);
  }, 120_000);

  it('while Postgres hangs: nothing is charged twice when it is back', async () => {
    const account = await own.account();
    const worker = await (await own.startWorker()).ready(60_000);
    await busyWithFrozenPostgres(own, worker, account);

    expect(await terminated(worker)).toBe(0);

    own.stack.postgres.thaw();
    const next = await (await own.startWorker()).ready(60_000);
    await own.everyClickIsChargedOnce();
    expect(await terminated(next)).toBe(0);
  }, 120_000);

  it('while somebody holds the row of an advertiser: its clicks are the next Worker’s', async () => {
    const [locked, other] = [await own.account(), await own.account()];
    const worker = await (await own.startWorker()).ready(90_000);

    await withLockedRow(own, locked, other, async () => {
      expect(await terminated(worker)).toBe(0);
      expect(await own.members()).toBe(0);
    });

    const next = await (await own.startWorker()).ready(60_000);
    await own.everyClickIsChargedOnce();
    expect(await terminated(next)).toBe(0);
  }, 150_000);

  it('twice: the second one ends the Worker at once', async () => {
    const [locked, other] = [await own.account(), await own.account()];
    const worker = await (await own.startWorker()).ready(60_000);

    await withLockedRow(own, locked, other, async () => {
      worker.signal('SIGTERM');
      await eventually('it drains', 10_000, async () =>
        (await worker.get('/health/ready')).body.includes('"draining":true'),
      );
      expect(await terminated(worker)).toBe(1);
    });
  }, 120_000);

  it.each([
    ['Postgres is away', { DATABASE_URL: 'postgresql://worker@127.0.0.1:1/worker' }],
    ['Kafka is away', { KAFKA_BROKERS: '127.0.0.1:1' }],
    ['both are', { DATABASE_URL: 'postgresql://worker@127.0.0.1:1/worker', KAFKA_BROKERS: '127.0.0.1:1' }],
  ])(
    'during the start, while %s',
    async (_what, env) => {
      const worker = await own.startWorker(env);
      await eventually('it is starting', 30_000, async () => (await worker.get('/health/live')).status === 200);
      expect((await worker.get('/health/ready')).status).toBe(503);

      expect(await terminated(worker)).toBe(0);
      // One that waits for Postgres has not tried before, and what the stop interrupts is not tried again.
      const isRetry = ({ msg }: { msg: string }): boolean => msg.startsWith('consumer is not running');
      if (!('KAFKA_BROKERS' in env)) expect(worker.lines.filter(isRetry)).toEqual([]);
    },
    60_000,
  );

  it('while Kafka hangs', async () => {
    const worker = await (await own.startWorker()).ready(60_000);
    own.stack.kafka.freeze();
    await eventually('not ready', 30_000, async () => (await worker.get('/health/ready')).status === 503);

    expect(await terminated(worker)).toBe(0);

    own.stack.kafka.thaw();
  }, 60_000);
});

/** Somebody holds a row for as long as `during` takes, and clicks of that advertiser are in hand. */
async function withLockedRow(
  own: OwnWorld,
  locked: Account,
  other: Account,
  during: () => Promise<void>,
): Promise<void> {
  await withClient(own.stack.env.MIGRATION_DATABASE_URL, async (client) => {
    await client.query('begin');
    await client.query('select from advertisers where id = $1 for update', [locked.advertiser.id]);
    await own.click([locked, other], 200, 0);
    await own.chargedAtLeast(100, 30_000, other);
    await during();
    await client.query('rollback');
  });
}

/** Clicks are in hand, and the database does not answer. */
async function busyWithFrozenPostgres(own: OwnWorld, worker: WorkerProcess, account: Account): Promise<void> {
  own.stack.postgres.freeze();
  const before = worker.lines.length;
  await own.click([account], 300);
  await eventually('clicks are in hand', 30_000, () =>
    worker.lines.slice(before).some(({ msg }) => msg === 'record is retried'),
  );
}
