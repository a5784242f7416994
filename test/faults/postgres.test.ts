// Postgres goes away in every way it can, under load: nothing is lost or dead-lettered, no Worker restarts, and work goes on
// by itself when it is back.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { eventually } from '../support/eventually.js';
import { Load, useOwnWorld, type Account } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

const POSTING_FUNCTIONS = '^ledger_(post|charge)_v';

describe('while Postgres', () => {
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

  /** As the owner, on a connection that is closed at once; to another database, since the Worker's may be closed. */
  async function administer(...statements: string[]): Promise<void> {
    const url = new URL(own.stack.env.MIGRATION_DATABASE_URL);
    url.pathname = '/postgres';
    const client = new pg.Client({ connectionString: url.toString() });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  const database = (): string => new URL(own.stack.env.DATABASE_URL).pathname.slice(1);
  const disconnectAll = (): string =>
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database()}' and pid <> pg_backend_pid()`;
  const status = async (path: string): Promise<number> => (await worker.get(path)).status;
  const notReady = (because = ''): Promise<void> =>
    eventually(`not ready: ${because}`, 30_000, async () => {
      const { status, body } = await worker.get('/health/ready');
      return status === 503 && body.includes(because);
    });
  const retrying = (): Promise<void> => {
    const before = worker.lines.length;
    return eventually('records are retried', 30_000, () =>
      worker.lines.slice(before).some(({ msg }) => msg === 'record is retried'),
    );
  };

  it.each<[how: string, outage: { away: () => unknown; noticed: () => Promise<void>; back: () => unknown }]>([
    [
      'refuses connections',
      {
        away: () => administer(`alter database ${database()} with allow_connections false`, disconnectAll()),
        noticed: () => Promise.all([notReady(), retrying()]).then(() => undefined),
        back: () => administer(`alter database ${database()} with allow_connections true`),
      },
    ],
    [
      'hangs',
      {
        away: () => {
          own.stack.postgres.freeze();
        },
        noticed: () => Promise.all([notReady(), retrying()]).then(() => undefined),
        back: () => {
          own.stack.postgres.thaw();
        },
      },
    ],
    [
      'is restarted in an orderly way',
      { away: () => own.stack.postgres.stop(), noticed: () => notReady(), back: () => own.stack.postgres.start() },
    ],
    [
      'is killed',
      { away: () => own.stack.postgres.kill(), noticed: () => notReady(), back: () => own.stack.postgres.start() },
    ],
    [
      'is read-only, as after a fail-over to a standby',
      {
        away: () => administer(`alter database ${database()} set default_transaction_read_only = on`, disconnectAll()),
        noticed: () => Promise.all([notReady('the database is read-only'), retrying()]).then(() => undefined),
        back: () => administer(`alter database ${database()} reset default_transaction_read_only`, disconnectAll()),
      },
    ],
    [
      'refuses the Worker its posting function',
      {
        away: () => grants('revoke execute on function', 'from'),
        noticed: () => Promise.all([notReady('may not be called'), retrying()]).then(() => undefined),
        back: () => grants('grant execute on function', 'to'),
      },
    ],
  ])(
    '%s, clicks wait; then they are charged, each once',
    async (_how, { away, noticed, back }) => {
      const load = new Load(own, accounts);
      await own.chargedAtLeast((await own.charged()) + 100);

      await away();
      await noticed();
      expect(await status('/health/live')).toBe(200);
      await back();

      await eventually('ready again', 60_000, async () => (await status('/health/ready')) === 200);
      await load.stop();
      await own.everyClickIsChargedOnce();
      expect(worker.exited).toBe(false);
    },
    120_000,
  );

  it('the calls that failed were counted, by whether it answered', async () => {
    const { body } = await worker.get('/metrics');

    for (const cause of ['no_answer', 'refused']) {
      expect(body).toMatch(new RegExp(`^worker_ledger_call_failures_total\\{cause="${cause}"\\} [1-9]`, 'm'));
    }
  });

  async function grants(verb: string, preposition: string): Promise<void> {
    await own.world.database.query(
      `do $$ declare f regprocedure; begin
         for f in select oid from pg_proc where proname ~ '${POSTING_FUNCTIONS}' loop
           execute format('${verb} %s ${preposition} worker', f);
         end loop; end $$`,
    );
  }
});
