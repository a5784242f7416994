import type { ClientBase } from 'pg';
import { ok, warning, type Check } from './check.js';

const NAME = 'connections';
/** The ledger's lanes, the pool of the rest, and one each for what must not wait for them. */
const CONNECTIONS_OF_A_WORKER = 16;

type Whose = 'server' | 'database' | 'login';

interface Room {
  readonly whose: Whose;
  readonly name: string;
  readonly most: number;
  readonly used: number;
}

/** A superuser is held to the server's limit only; of a database or login without one there is no row. */
const ROOMS = `
  select 'server' as whose, '' as name,
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) as most,
         (select sum(numbackends)::int from pg_stat_database) as used
  union all
  select 'database', d.datname, d.datconnlimit, pg_stat_get_db_numbackends(d.oid)
  from pg_database d join pg_roles r on r.rolname = current_user
  where d.datname = current_database() and d.datconnlimit >= 0 and not r.rolsuper
  union all
  select 'login', r.rolname, r.rolconnlimit, (select count(*)::int from pg_stat_activity where usename = current_user)
  from pg_roles r where r.rolname = current_user and r.rolconnlimit >= 0 and not r.rolsuper`;

/** How many Workers there is still room for, by the limit that is the tightest. */
export async function checkConnections(client: ClientBase): Promise<Check> {
  const { rows } = await client.query<Room>(ROOMS);
  const [tightest] = rows.toSorted((a, b) => a.most - a.used - (b.most - b.used));
  if (tightest === undefined) throw new Error('Postgres does not say how many connections it takes');
  const { whose, most, used } = tightest;
  const workers = Math.max(0, Math.floor((most - used) / CONNECTIONS_OF_A_WORKER));
  const found = `${used} of ${most} connections of the ${whose} are in use, which leaves room for`;
  if (workers > 0) return ok(NAME, `${found} ${workers} more ${workers === 1 ? 'Worker' : 'Workers'}`);
  return warning(NAME, `${found} no more Worker: one takes up to ${CONNECTIONS_OF_A_WORKER}`, remedyOf(tightest));
}

function remedyOf({ whose, name }: Room): string {
  const need = `${CONNECTIONS_OF_A_WORKER} for each replica, and for one more while they are rolled out`;
  if (whose === 'server') return `raise max_connections (${need}), or end what nobody uses`;
  return `alter ${whose === 'login' ? 'role' : 'database'} ${name} connection limit … (${need})`;
}
