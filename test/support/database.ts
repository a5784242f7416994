import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, inject } from 'vitest';
import { makePartitionsAhead } from '../../src/ledger/partitions.js';
import { MIGRATIONS } from '../../src/platform/database/migrations.js';

/** A migrated database of a test file's own, and a login of its own that is a member of `worker`. */
export interface TestDatabase {
  readonly ownerUrl: string;
  readonly workerUrl: string;
  /** As the owner, who is a superuser. */
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

export function useDatabase(options: { migrated: boolean } = { migrated: true }): TestDatabase {
  let made: TestDatabase | undefined;
  const get = (): TestDatabase => {
    if (made === undefined) throw new Error('the test database is made in beforeAll');
    return made;
  };
  beforeAll(async () => {
    made = await makeDatabase(options.migrated);
  });
  afterAll(() => made?.drop());
  return {
    get ownerUrl() {
      return get().ownerUrl;
    },
    get workerUrl() {
      return get().workerUrl;
    },
    query: (sql, parameters) => get().query(sql, parameters),
    drop: () => get().drop(),
  };
}

async function makeDatabase(migrated: boolean): Promise<TestDatabase> {
  const serverUrl = inject('world').env['MIGRATION_DATABASE_URL'];
  if (serverUrl === undefined) throw new Error('MIGRATION_DATABASE_URL must name a superuser of a Postgres for tests');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await once(serverUrl, `create database ${name}`);
  const ownerUrl = withPath(serverUrl, name);
  if (migrated) await migrate(ownerUrl);
  await once(ownerUrl, `create role ${name}_worker login password '${password}'`);
  if (migrated) await once(ownerUrl, `grant worker to ${name}_worker`);

  const pool = new pg.Pool({ connectionString: ownerUrl, max: 4 });
  pool.on('error', () => undefined); // tests terminate connections
  return {
    ownerUrl,
    workerUrl: withUser(ownerUrl, `${name}_worker`, password),
    query: async <Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]) =>
      (await pool.query<Row>(sql, parameters)).rows,
    drop: async () => {
      await pool.end();
      await once(serverUrl, `drop database ${name} with (force)`);
      await once(serverUrl, `drop role ${name}_worker`);
    },
  };
}

export async function migrate(ownerUrl: string): Promise<void> {
  const dataSource = new DataSource({ type: 'postgres', url: ownerUrl, migrations: MIGRATIONS, logging: false });
  await dataSource.initialize();
  await dataSource.runMigrations({ transaction: 'each' });
  await dataSource.destroy();
  await withClient(ownerUrl, (client) => makePartitionsAhead(client, new Date()));
}

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function once(url: string, sql: string): Promise<void> {
  await withClient(url, (client) => client.query(sql));
}

function withPath(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}

function withUser(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = password;
  return changed.toString();
}
