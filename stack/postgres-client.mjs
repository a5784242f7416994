// The few things the stack says to Postgres.

const DATABASE = 'worker';
export const SUPERUSER = 'postgres';
const APP_USER = 'worker_app';

/**
 * Runs one statement as the superuser.
 *
 * @param {number} port
 * @param {string} database
 * @param {string} sql
 * @returns {Promise<Record<string, unknown>[]>}
 */
export async function askPostgres(port, database, sql) {
  const { Client } = (await import('pg')).default; // installed by prepare(), perhaps just now
  // `ssl` named, since pg would heed a PGSSLMODE of the user's otherwise.
  const server = { host: '127.0.0.1', port, ssl: false };
  const client = new Client({ ...server, database, user: SUPERUSER, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {}); // a server that goes away meanwhile: the query says so
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

/** @param {number} port */
export async function createDatabase(port) {
  await askPostgres(port, 'postgres', `create database ${DATABASE}`);
}

/** The Worker's login role, without any rights yet. @param {number} port */
export async function createAppUser(port) {
  await askPostgres(port, 'postgres', `create role ${APP_USER} login`);
}

/** Gives the login role the rights that the migrations gave to the group role `worker`. @param {number} port */
export async function grantWorkerRole(port) {
  await askPostgres(port, DATABASE, `grant worker to ${APP_USER}`);
}

/** @param {number} port */
export function databaseUrls(port) {
  return {
    MIGRATION_DATABASE_URL: `postgres://${SUPERUSER}@127.0.0.1:${port}/${DATABASE}`,
    DATABASE_URL: `postgres://${APP_USER}@127.0.0.1:${port}/${DATABASE}`,
  };
}
