import pg from 'pg';
import { DataSource, type Logger } from 'typeorm';
import { makePartitionsAhead } from '../ledger/partitions.js';
import { MIGRATIONS } from '../platform/database/migrations.js';

/** Whoever migrates this database holds it. Any number would do, as long as nobody else uses it for something else. */
const MIGRATION_LOCK = 7_215_004_311;
const CONNECTION_TIMEOUT_MS = 10_000;

type Say = MigrateOptions['say'];

export interface MigrateOptions {
  /** The owner of the tables. */
  readonly databaseUrl: string;
  /** One step back instead of all steps ahead. */
  readonly undo: boolean;
  readonly say: (line: string) => void;
}

/**
 * Brings the database up to date, and makes the histories' partitions ahead. Several at once wait for each other.
 *
 * @throws the database's error; what was migrated until then stays
 */
export async function migrateDatabase({ databaseUrl, undo, say }: MigrateOptions): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'worker-migrate',
  });
  client.on('error', () => undefined); // without a listener the process would die; the next statement fails anyway
  try {
    await client.connect();
    await lock(client, say);
    await (undo ? undoLast(databaseUrl, say) : runPending(databaseUrl, say));
    if (!undo) await makePartitions(client, say);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Replicas that start together wait here for each other. The lock goes with the session, even if the process is killed. */
async function lock(client: pg.Client, say: Say): Promise<void> {
  const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [MIGRATION_LOCK]);
  if (rows[0]?.got === true) return;
  say('another migration is running: waiting for it');
  await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
}

async function runPending(databaseUrl: string, say: Say): Promise<void> {
  await withDataSource(databaseUrl, async (dataSource) => {
    const done = await dataSource.runMigrations({ transaction: 'each' });
    for (const { name } of done) say(`migrated: ${name}`);
    if (done.length === 0) say('nothing to migrate: the database is up to date');
  });
}

async function undoLast(databaseUrl: string, say: Say): Promise<void> {
  await withDataSource(databaseUrl, async (dataSource) => {
    const last = await dataSource.query<{ name: string }[]>('select name from migrations order by id desc limit 1');
    await dataSource.undoLastMigration({ transaction: 'each' });
    say(last[0] === undefined ? 'nothing to undo' : `undone: ${last[0].name}`);
  });
}

async function withDataSource(databaseUrl: string, use: (dataSource: DataSource) => Promise<void>): Promise<void> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: databaseUrl,
    migrations: MIGRATIONS,
    connectTimeoutMS: CONNECTION_TIMEOUT_MS,
    applicationName: 'worker-migrate',
    logger: SILENT, // it would print each failure a second time
  });
  await dataSource.initialize();
  try {
    await use(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

async function makePartitions(client: pg.Client, say: Say): Promise<void> {
  const { made, inDefault, locked } = await makePartitionsAhead(client, new Date());
  for (const month of made) say(`made the history partition of ${month.slice(0, 7)}`);
  for (const month of inDefault) {
    say(
      `no history partition for ${month.slice(0, 7)}: rows of that month lie in the default partition and stay there`,
    );
  }
  for (const month of locked) {
    say(`no history partition for ${month.slice(0, 7)} yet: the table is locked; the running Worker tries again`);
  }
}

const nothing = (): void => undefined;
const SILENT: Logger = {
  logQuery: nothing,
  logQueryError: nothing,
  logQuerySlow: nothing,
  logSchemaBuild: nothing,
  logMigration: nothing,
  log: nothing,
};
