// SIGTERM at every moment: the Worker ends with 0 within ten seconds (it ends itself with 1 where it cannot), what is in
// hand is settled and committed, and the rest is the next one's.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { withClient } from '../support/database.js';
import { Load, useOwnWorld, type Account, type OwnWorld } from '../support/own-world.js';
import { TcpProxy } from '../../stack/tcp-proxy.mjs';
import type { WorkerProcess } from '../support/worker-process.js';

const WITHIN_MS = 10_000;

describe('SIGTERM', () => {
  const own = useOwnWorld();
  const loads: Load[] = [];

  /** A test that failed leaves nothing to the next one. */
  afterEach(async () => {
    const left = own.workers.filter(({ exited }) => !exited);
    await Promise.all(left.map((worker) => own.stopWorker(worker, 'SIGKILL')));
    for (const server of [own.stack.kafka, own.stack.postgres, own.stack.redis]) server.thaw();
    await Promise.allSettled(loads.splice(0).map((load) => load.stop()));
    if (left.length > 0) await own.world.topics.removeMembers();
  });

  function loadOf(accounts: readonly Account[], perRound?: number): Load {
    const load = new Load(own, accounts, perRound);
    loads.push(load);
    return load;
  }

  /** Ends a Worker, and looks at how long it took from the first signal. */
  async function terminated(worker: WorkerProcess): Promise<number | null> {
    const begin = performance.now();
    return ended(begin, await own.stopWorker(worker));
  }

  /** Tells a Worker to end, has something happen while it drains, and looks as above. */
  async function terminatedDuring(worker: WorkerProcess, happens: () => unknown): Promise<number | null> {
    const begin = performance.now();
    worker.signal('SIGTERM');
    await eventually('it drains', 10_000, async () =>
      (await worker.get('/health/ready')).body.includes('"draining":true'),
    );
    await happens();
    await eventually('it has ended', 15_000, () => worker.exited);
    return ended(begin, worker.exitCode);
  }

  function ended(begin: number, code: number | null): number | null {
    const tookMs = Math.round(performance.now() - begin);
    process.stdout.write(`ended with ${code ?? 'a signal'} after ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(WITHIN_MS);
    return code;
  }

  it('under load: what was charged is committed, and the next Worker charges the rest', async () => {
    const accounts = await Promise.all(Array.from({ length: 5 }, () => own.account()));
    const worker = await (await own.startWorker()).ready(60_000);
    const load = loadOf(accounts, 100);
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

  it.each<[how: string, away: () => unknown, back: () => unknown]>([
    [
      'hangs',
      () => {
        own.stack.postgres.freeze();
      },
      () => {
        own.stack.postgres.thaw();
      },
    ],
    ['is stopped', () => own.stack.postgres.stop(), () => own.stack.postgres.start()],
  ])(
    'while Postgres %s: nothing is charged twice when it is back',
    async (_how, away, back) => {
      const account = await own.account();
      const worker = await (await own.startWorker()).ready(60_000);
      await away();
      await clicksInHand(own, worker, account);

      expect(await terminated(worker)).toBe(0);
      expect(await own.members()).toBe(0);

      await back();
      const next = await (await own.startWorker()).ready(60_000);
      await own.everyClickIsChargedOnce();
      expect(await terminated(next)).toBe(0);
    },
    120_000,
  );

  it('while Redis hangs: what is in hand is charged at the prices of the database', async () => {
    const account = await own.account();
    const worker = await (await own.startWorker()).ready(60_000);
    const load = loadOf([account], 100);
    await own.chargedAtLeast(500, 60_000, account);
    own.stack.redis.freeze();

    expect(await terminated(worker)).toBe(0);

    expect(await own.chargedButNotCommitted()).toBe(0);
    const next = await (await own.startWorker()).ready(60_000);
    await own.chargedAtLeast((await own.charged(account)) + 100, 60_000, account);
    expect(await terminated(next)).toBe(0);
    own.stack.redis.thaw();
    await load.stop();
    const last = await (await own.startWorker()).ready(60_000);
    await own.everyClickIsChargedOnce();
    expect(await terminated(last)).toBe(0);
  }, 180_000);

  it('while somebody holds the row of an advertiser: its clicks are the next Worker’s, and so are those that come after', async () => {
    const [locked, other, late] = [await own.account(), await own.account(), await own.account()];
    const worker = await (await own.startWorker()).ready(90_000);

    await withLockedRow(own, locked, other, async () => {
      expect(await terminatedDuring(worker, () => own.click([late], 30))).toBe(0);
      expect(await own.members()).toBe(0);
      expect(await own.charged(late)).toBe(0);
    });

    const next = await (await own.startWorker()).ready(60_000);
    await own.everyClickIsChargedOnce();
    expect(await terminated(next)).toBe(0);
  }, 150_000);

  it('twice: the second one ends the Worker at once', async () => {
    const [locked, other] = [await own.account(), await own.account()];
    const worker = await (await own.startWorker()).ready(60_000);

    await withLockedRow(own, locked, other, async () => {
      expect(
        await terminatedDuring(worker, () => {
          worker.signal('SIGTERM');
        }),
      ).toBe(1);
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

  it('while it is still being loaded', async () => {
    const worker = await own.startWorker();
    // Native code is the last that the application loads: until then nothing of it runs.
    await eventually('it loads', 30_000, () => readFileSync(`/proc/${worker.pid}/maps`, 'utf8').includes('.node'));

    expect(await terminated(worker)).toBe(0);
  }, 60_000);

  it('during the start, while Kafka hangs', async () => {
    const kafka = await TcpProxy.open({ port: own.stack.kafka.port });
    kafka.silence();
    const worker = await own.startWorker({ KAFKA_BROKERS: `127.0.0.1:${kafka.port}` });
    await eventually('it is starting', 30_000, async () => (await worker.get('/health/live')).status === 200);

    expect(await terminated(worker)).toBe(0);

    await kafka.close();
  }, 60_000);

  it('while it joins its group: it leaves before it is given anything that it would not read', async () => {
    const first = await (await own.startWorker()).ready(60_000);
    first.signal('SIGSTOP'); // the join of the second one now lasts until the first has heard of it
    const second = await own.startWorker();
    await own.isRebalancing();

    const code = await terminatedDuring(second, () => {
      first.signal('SIGCONT');
    });

    expect(code).toBe(0);
    expect(await own.members()).toBe(1);
    await own.click([await own.account()], 300);
    await own.everyClickIsChargedOnce();
    expect(await terminated(first)).toBe(0);
  }, 120_000);

  it.each<[how: string, change: (third: WorkerProcess | undefined) => Promise<unknown>, left: number]>([
    ['joins', () => own.startWorker(), 2],
    ['leaves', (third) => own.stopWorker(third as WorkerProcess), 1],
  ])(
    'while another Worker %s',
    async (how, change, left) => {
      const accounts = await Promise.all(Array.from({ length: 3 }, () => own.account()));
      const [worker, other] = [await own.startWorker(), await own.startWorker()];
      const third = how === 'leaves' ? await own.startWorker() : undefined;
      for (const each of own.workers.filter(({ exited }) => !exited)) await each.ready(90_000);
      const load = loadOf(accounts);
      await own.chargedAtLeast((await own.charged()) + 300);
      other.signal('SIGSTOP'); // the rebalance lasts until it has heard of it
      await change(third);
      await own.isRebalancing();

      const code = await terminatedDuring(worker, () => {
        other.signal('SIGCONT');
      });

      expect(code).toBe(0);
      await eventually(`${left} are left`, 30_000, async () => (await own.members()) === left);
      await load.stop();
      await own.everyClickIsChargedOnce();
      await own.stopAllWorkers();
    },
    180_000,
  );

  it('while Kafka, Postgres and Redis hang at once', async () => {
    const { kafka, postgres, redis } = own.stack;
    const worker = await (await own.startWorker()).ready(60_000);
    await own.click([await own.account()], 300);
    for (const server of [kafka, postgres, redis]) server.freeze();

    expect(await terminated(worker)).toBe(0);

    for (const server of [kafka, postgres, redis]) server.thaw();
    await own.world.topics.removeMembers(); // it could not leave
    const next = await (await own.startWorker()).ready(60_000);
    await own.everyClickIsChargedOnce();
    expect(await terminated(next)).toBe(0);
  }, 120_000);

  it('while Kafka hangs: what could not be committed is not charged again', async () => {
    const account = await own.account();
    const worker = await (await own.startWorker()).ready(60_000);
    const load = loadOf([account], 100);
    await own.chargedAtLeast(300, 60_000, account);
    own.stack.kafka.freeze();

    expect(await terminated(worker)).toBe(0);

    own.stack.kafka.thaw();
    await load.stop();
    await own.world.topics.removeMembers(); // it could not leave
    const next = await (await own.startWorker()).ready(60_000);
    await own.everyClickIsChargedOnce();
    expect(await terminated(next)).toBe(0);
  }, 120_000);
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

/** The database is away, and clicks are in hand. */
async function clicksInHand(own: OwnWorld, worker: WorkerProcess, account: Account): Promise<void> {
  const before = worker.lines.length;
  await own.click([account], 300);
  await eventually('clicks are in hand', 30_000, () =>
    worker.lines.slice(before).some(({ msg }) => msg === 'record is retried'),
  );
}
