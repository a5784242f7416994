// The Worker starts before anything it needs is there, and says what is missing; what only a person can put right ends it
// with one line.
import { describe, expect, it } from 'vitest';
import { FOREIGN_TOPICS } from '../../stack/topics.mjs';
import { eventually } from '../support/eventually.js';
import { parseExposition } from '../support/exposition.js';
import { documentedMetrics } from '../support/metrics-page.js';
import { CLICKS, useOwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

describe('a Worker that starts', () => {
  const own = useOwnWorld({ migrate: false, topics: [] });

  const says = (worker: WorkerProcess, what: RegExp): Promise<void> =>
    eventually(`it says ${String(what)}`, 30_000, () => worker.lines.some(({ msg }) => what.test(msg)));
  const isNotReady = async (worker: WorkerProcess): Promise<void> => {
    await eventually('it is live', 30_000, async () => (await worker.get('/health/live')).status === 200);
    expect((await worker.get('/health/ready')).status).toBe(503);
  };

  /** So that Prometheus sees the first of everything. Partitions are not known yet. */
  const hasMetricsAtZero = async (worker: WorkerProcess): Promise<void> => {
    const families = parseExposition((await worker.get('/metrics')).body);
    const expected = documentedMetrics().filter(({ labels }) => !labels.includes('partition'));
    for (const { name } of expected) {
      const values = families.find((family) => family.name === name)?.samples.map(({ value }) => value) ?? [];
      expect([...new Set(values)], name).toEqual(name === 'worker_redis_up' ? [1] : [0]);
    }
  };

  it('before Postgres, Kafka, the tables and the topics exist waits for one after the other', async () => {
    await Promise.all([own.stack.postgres.stop(), own.stack.kafka.stop()]);
    const worker = await own.startWorker({ SLACK_WEBHOOK_URL: 'http://127.0.0.1:9/' });
    await says(worker, /database not reachable \(ECONNREFUSED\): retrying/);
    await isNotReady(worker);

    await hasMetricsAtZero(worker);

    await own.stack.postgres.start();
    await says(worker, /not migrated.*run "npm run migrate": retrying/);
    await isNotReady(worker);

    await own.stack.migrate();
    await own.stack.kafka.start();
    await says(worker, /waiting for topic ad-events/);
    await isNotReady(worker);

    // kafkajs's own wait for the leaders of a new topic may ask too early; the Worker's readiness is the better one.
    for (const { topic, partitions } of [...FOREIGN_TOPICS].reverse())
      await own.world.topics.create(topic, partitions).catch(() => undefined);
    await worker.ready(60_000);
    await own.click([await own.account()], 30);
    await own.everyClickIsChargedOnce();
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);

  it('after a newer release has migrated goes on, whatever that has added', async () => {
    await own.world.database.query(
      "insert into migrations (timestamp, name) values (4102444800000, 'AddOfANewerRelease4102444800000')",
    );
    const worker = await (await own.startWorker()).ready(60_000);

    await own.click([await own.account()], 30);
    await own.everyClickIsChargedOnce();

    expect(worker.lines.filter(({ msg }) => /migrat/.test(msg))).toEqual([]);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 120_000);

  it('with another BUDGET_TIMEZONE than the database was begun with stops, and says how to change it', async () => {
    own.announced.push(/BUDGET_TIMEZONE is/);
    const worker = await own.startWorker({ BUDGET_TIMEZONE: 'Europe/Berlin' });

    await eventually('it has ended', 30_000, () => worker.exited);

    expect(worker.exitCode).toBe(1);
    const [last, ...more] = worker.lines.filter(({ level }) => level === 'fatal');
    expect(more).toEqual([]);
    expect(last?.['error']).toMatch(
      /^BUDGET_TIMEZONE is "Europe\/Berlin", but this database counts its days in "Asia\/Seoul"; to change/,
    );
  }, 60_000);

  it.each([
    ['KAFKA_BROKERS', { KAFKA_BROKERS: 'nowhere' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://user:word@host/db' }],
    ['REDIS_URL', { REDIS_URL: '' }],
    ['BUDGET_TIMEZONE', { BUDGET_TIMEZONE: 'Mars/Olympus' }],
    ['PORT', { PORT: '70000' }],
  ])(
    'with a wrong %s says so in one line and ends',
    async (name, env) => {
      const worker = await own.startWorker(env);

      await eventually('it has ended', 30_000, () => worker.exited);
      await eventually('its words have arrived', 5_000, () => worker.words.length > 0);

      expect(worker.exitCode).toBe(1);
      expect(worker.words).toEqual([expect.stringContaining(name)]);
      expect(worker.words.join()).not.toContain('word');
      expect(worker.lines).toEqual([]);
    },
    60_000,
  );

  it('with a PORT that is taken says so in one line and ends', async () => {
    own.announced.push(/EADDRINUSE/); // Nest's own word of it
    const first = await own.startWorker();
    await eventually('it listens', 30_000, async () => (await first.get('/health/live')).status === 200);

    const second = await own.startWorker({ PORT: new URL(first.url).port });
    await eventually('it has ended', 30_000, () => second.exited && second.words.length > 0);

    expect(second.exitCode).toBe(1);
    expect(second.words).toEqual([
      `the Worker could not start: PORT ${new URL(first.url).port} is taken by another process`,
    ]);
    expect(await own.stopWorker(first)).toBe(0);
  }, 60_000);

  it('is not held up by a group that was begun while it was away', async () => {
    const first = await (await own.startWorker()).ready(60_000);
    expect(await own.stopWorker(first)).toBe(0);
    await own.click([await own.account()], 30); // while no Worker runs: `latest` would lose these

    const second = await (await own.startWorker()).ready(60_000);

    await own.everyClickIsChargedOnce();
    const starts = await own.world.database.query('select from group_starts where group_id = $1', [CLICKS]);
    expect(starts.rowCount).toBe(3);
    expect(await own.stopWorker(second)).toBe(0);
  }, 120_000);
});
