import pg from 'pg';
import type { Config } from '../config/config.js';
import { isBudgetTimezonePinned } from '../ledger/budget-timezone.js';
import { faultOfPosting } from '../ledger/post-group.sql.js';
import { describeDatabaseError, sqlStateOf } from '../platform/database/database-errors.js';
import { MIGRATIONS } from '../platform/database/migrations.js';
import { CONNECTION_LIMITS } from '../platform/database/own-connection.js';
import { WrongDatabaseError } from '../platform/database/wrong-database-error.js';
import { failed, ok, some, warning, within, type Check } from './check.js';
import { checkConnections } from './connection-check.js';
import { checkLogin } from './login-check.js';
import { checkPartitions } from './partition-check.js';

const ANSWER_WITHIN_MS = 20_000;
const OLDEST_VERSION = 15;
const UNDEFINED_TABLE = '42P01';
const NOT_GRANTED = '42501';
const MIGRATE = 'npm run migrate';
/** A clock that is kept by NTP is far nearer. */
const SKEW_MS = 2_000;

export async function checkDatabase({ databaseUrl, budgetTimezone }: Config): Promise<Check[]> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'worker-doctor',
    ...CONNECTION_LIMITS,
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined); // the question under way says it too
  const checks: Check[] = [];
  try {
    await within(ANSWER_WITHIN_MS, ask(client, budgetTimezone, checks));
  } catch (error) {
    const found = `Postgres cannot be asked: ${describeDatabaseError(error)}`;
    checks.push(failed('postgres', found, 'look at DATABASE_URL, and at the server'));
  } finally {
    // A stopped server never says goodbye.
    void client.end().catch(() => undefined);
  }
  return checks;
}

/** One after another, on one connection; what was found before it is lost stays. */
async function ask(client: pg.Client, timezone: string, checks: Check[]): Promise<void> {
  await client.connect();
  checks.push(await version(client));
  checks.push(await writability(client));
  const missing = await missingMigrations(client);
  const login = await checkLogin(client);
  if (missing !== undefined) {
    const found =
      missing.length === MIGRATIONS.length
        ? 'the database is not migrated'
        : `${missing.length} of ${MIGRATIONS.length} ${missing.length === 1 ? 'is' : 'are'} missing: ${some(missing)}`;
    if (missing.length > 0) checks.push(failed('migrations', found, MIGRATE));
    else checks.push(ok('migrations', `all ${MIGRATIONS.length} are there`));
  }
  checks.push(login);
  // On half a schema, or without the role, the rest says the same again.
  if (missing?.length === 0 && login.outcome !== 'failed') {
    checks.push(await posting(client), await zone(client, timezone), await checkPartitions(client, new Date()));
  }
  checks.push(await clock(client), await checkConnections(client));
}

async function version(client: pg.Client): Promise<Check> {
  const [row] = (
    await client.query<{ version: string; number: number }>(
      "select current_setting('server_version') as version, current_setting('server_version_num')::int as number",
    )
  ).rows;
  const found = `Postgres ${row?.version ?? ''} answers`;
  if (Math.floor((row?.number ?? 0) / 10_000) >= OLDEST_VERSION) return ok('postgres', found);
  return failed('postgres', `${found}, which is too old`, `Postgres ${OLDEST_VERSION} or later`);
}

async function writability(client: pg.Client): Promise<Check> {
  const [row] = (
    await client.query<{ setting: string; standby: boolean }>(
      "select current_setting('transaction_read_only') as setting, pg_is_in_recovery() as standby",
    )
  ).rows;
  if (row?.setting !== 'on') return ok('writes', 'the database takes writes');
  if (row.standby) return failed('writes', 'the server is a standby', 'name the primary in DATABASE_URL');
  const remedy = 'set default_transaction_read_only off for the server, the database and the login';
  return failed('writes', 'the database is read-only', remedy);
}

/** Undefined where the login may not look: then it is no member of `worker`, which is said there. */
async function missingMigrations(client: pg.Client): Promise<string[] | undefined> {
  try {
    const { rows } = await client.query<{ name: string }>('select name from migrations');
    const done = new Set(rows.map(({ name }) => name));
    return MIGRATIONS.map(({ name }) => name).filter((name) => !done.has(name));
  } catch (error) {
    if (sqlStateOf(error) === UNDEFINED_TABLE) return MIGRATIONS.map(({ name }) => name);
    if (sqlStateOf(error) === NOT_GRANTED) return undefined;
    throw error;
  }
}

async function posting(client: pg.Client): Promise<Check> {
  const fault = await faultOfPosting(client);
  if (fault === undefined) return ok('posting', 'the posting function may be called');
  return failed('posting', fault, `${MIGRATE} as the owner of the tables grants it to the role worker again`);
}

async function zone(client: pg.Client, timezone: string): Promise<Check> {
  const name = 'budget time zone';
  const query = async <Row>(sql: string, values: unknown[]) =>
    (await client.query<Row & pg.QueryResultRow>(sql, values)).rows as Row[];
  try {
    const pinned = await isBudgetTimezonePinned(query, timezone);
    return ok(name, pinned ? `${timezone}, as the database has it` : `${timezone}; the first start pins it`);
  } catch (error) {
    if (!(error instanceof WrongDatabaseError)) throw error;
    return failed(name, error.message, 'set BUDGET_TIMEZONE to the zone of the database, or change both as said');
  }
}

async function clock(client: pg.Client): Promise<Check> {
  const before = Date.now();
  const { rows } = await client.query<{ ms: number }>(
    'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms',
  );
  const after = Date.now();
  const skewMs = Math.round((rows[0]?.ms ?? 0) - (before + after) / 2);
  const uncertainMs = (after - before) / 2;
  if (Math.abs(skewMs) - uncertainMs <= SKEW_MS)
    return ok('clocks', `this machine and Postgres agree within ${SKEW_MS / 1_000} s`);
  const found = `Postgres is ${Math.abs(skewMs) / 1_000} s ${skewMs > 0 ? 'ahead of' : 'behind'} this machine`;
  return warning('clocks', `${found}: budget days begin at different moments`, 'keep both by NTP');
}
