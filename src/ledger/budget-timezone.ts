import { WrongDatabaseError } from '../platform/database/wrong-database-error.js';

/** Runs a statement and returns its rows. */
export type Query = <Row>(sql: string, parameters: unknown[]) => Promise<Row[]>;

const SETTING = 'budget_timezone';
/** Followed by when the zone ceased to be in force; `reconcile` counts the days before that in it. */
const FORMER_SETTING = 'budget_timezone_until:';

/**
 * Pins the budget time zone at the very first start, and holds every later start to it: with two zones at work, the same
 * click would count for one day on this replica and for another on that.
 *
 * @throws WrongDatabaseError when Postgres does not know the zone, or the database is pinned to another one
 */
export async function pinBudgetTimezone(query: Query, timezone: string): Promise<void> {
  // Written at the first start alone: every later one finds it, on a database that is read-only too.
  if (await isBudgetTimezonePinned(query, timezone)) return;
  await query('insert into worker_settings (name, value) values ($1, $2) on conflict (name) do nothing', [
    SETTING,
    await knownZone(query, timezone),
  ]);
  await isBudgetTimezonePinned(query, timezone); // another replica may have been first, with another zone
}

/**
 * Whether the database is pinned to this zone; false where it is not pinned yet.
 *
 * @throws WrongDatabaseError when Postgres does not know the zone, or the database is pinned to another one
 */
export async function isBudgetTimezonePinned(query: Query, timezone: string): Promise<boolean> {
  const known = await knownZone(query, timezone);
  const [pinned] = await query<{ value: string }>('select value from worker_settings where name = $1', [SETTING]);
  if (pinned === undefined) return false;
  if (pinned.value.toLowerCase() === timezone.toLowerCase()) return true;
  throw new WrongDatabaseError(
    `BUDGET_TIMEZONE is "${timezone}", but this database counts its days in "${pinned.value}"; to change that on purpose, ` +
      `stop every replica, run as the owner "insert into worker_settings values ('${FORMER_SETTING}' || now(), ` +
      `'${pinned.value}'); update worker_settings set value = '${known}' where name = '${SETTING}'" and start them ` +
      'with the new value',
  );
}

async function knownZone(query: Query, timezone: string): Promise<string> {
  const [known] = await query<{ name: string }>('select name from pg_timezone_names where lower(name) = lower($1)', [
    timezone,
  ]);
  if (known !== undefined) return known.name;
  throw new WrongDatabaseError(
    `BUDGET_TIMEZONE "${timezone}": Postgres knows no such time zone; use an IANA name like "Asia/Seoul"`,
  );
}

export interface BudgetTimezone {
  readonly timezone: string;
  /** Postings made before this were counted in it: a timestamp as Postgres writes it, or `infinity` for today's zone. */
  readonly until: string;
}

/** The zones that budget days were counted in, oldest first. */
export async function budgetTimezones(query: Query): Promise<BudgetTimezone[]> {
  return query<BudgetTimezone>(
    `select value as timezone, until::text
     from (
       select value, substr(name, length($2) + 1)::timestamptz as until from worker_settings where starts_with(name, $2)
       union all
       select value, 'infinity' from worker_settings where name = $1
     ) zones
     order by zones.until`,
    [SETTING, FORMER_SETTING],
  );
}
