import pg from 'pg';
import { describeDatabaseError, sqlStateOf } from '../platform/database/database-errors.js';
import { counted } from '../platform/counted.js';
import { budgetTimezones, type BudgetTimezone } from './budget-timezone.js';
import {
  BROKEN_CHAINS,
  COUNTS,
  OVER_REFUNDED_DAYS,
  REPEATED_DUPLICATES,
  WRONG_BALANCES,
  WRONG_DAYS,
} from './reconcile.sql.js';

const UNDEFINED_TABLE = '42P01';
/** How many offenders of a kind are named; how many there are is said besides. */
const MOST_NAMED = 20;
/** When no Worker has pinned one yet. */
const DEFAULT_ZONES: BudgetTimezone[] = [{ timezone: 'Asia/Seoul', until: 'infinity' }];

interface Finding {
  readonly total: number;
  readonly [column: string]: string | number | null;
}

interface Report {
  readonly holds: boolean;
  readonly advertisers: number;
  readonly histories: number;
  readonly campaignDays: number;
  readonly wrongBalances: Finding[];
  readonly brokenChains: Finding[];
  readonly wrongDays: Finding[];
  readonly overRefundedDays: Finding[];
  readonly repeatedDuplicates: Finding[];
}

export interface ReconcileOptions {
  /** A member of `worker` may read all that this needs. */
  readonly databaseUrl: string;
  readonly json: boolean;
  readonly write: (line: string) => void;
}

/**
 * Proves that the books balance, as of one moment, while the Worker runs on: balances, the chain of each advertiser's
 * histories, and what each campaign spent a day. What is merely suspicious is listed and harms nothing.
 *
 * @returns the exit code: 0 when all holds, 1 when it does not, 2 when the database could not be asked
 */
export async function reconcile({ databaseUrl, json, write }: ReconcileOptions): Promise<number> {
  let report: Report;
  try {
    report = await inspect(databaseUrl);
  } catch (error) {
    const advice = sqlStateOf(error) === UNDEFINED_TABLE ? ': run "npm run migrate"' : '';
    write(`reconcile: ${describeDatabaseError(error)}${advice}`);
    return 2;
  }
  if (json) write(JSON.stringify(report));
  else for (const line of inWords(report)) write(line);
  return report.holds ? 0 : 1;
}

async function inspect(databaseUrl: string): Promise<Report> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'worker-reconcile',
    connectionTimeoutMillis: 10_000,
    statement_timeout: 0, // as long as it takes
  });
  client.on('error', () => undefined); // the query under way says it too
  await client.connect();
  try {
    // One snapshot for all: what is posted meanwhile is not seen in one statement and missed in another.
    await client.query('begin transaction isolation level repeatable read read only');
    await client.query("set local work_mem = '64MB'");
    return await read(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function read(client: pg.Client): Promise<Report> {
  const find = async (sql: string, ...parameters: unknown[]) =>
    (await client.query<Finding>(sql, [MOST_NAMED, ...parameters])).rows;
  const pinned = await budgetTimezones(
    async <Row>(sql: string, parameters: unknown[]) => (await client.query(sql, parameters)).rows as Row[],
  );
  const zones = pinned.length > 0 ? pinned : DEFAULT_ZONES;
  const { rows: counts } = await client.query<Pick<Report, 'advertisers' | 'histories' | 'campaignDays'>>(COUNTS);
  const { advertisers = 0, histories = 0, campaignDays = 0 } = counts[0] ?? {};
  const wrongBalances = await find(WRONG_BALANCES);
  const brokenChains = await find(BROKEN_CHAINS);
  const wrongDays = await find(
    WRONG_DAYS,
    zones.map(({ timezone }) => timezone),
    zones.map(({ until }) => until),
  );
  return {
    holds: wrongBalances.length + brokenChains.length + wrongDays.length === 0,
    advertisers,
    histories,
    campaignDays,
    wrongBalances,
    brokenChains,
    wrongDays,
    overRefundedDays: await find(OVER_REFUNDED_DAYS),
    repeatedDuplicates: await find(REPEATED_DUPLICATES),
  };
}

function* inWords(report: Report): Generator<string> {
  yield [
    counted(report.advertisers, 'advertiser'),
    counted(report.histories, 'history', 'histories'),
    counted(report.campaignDays, 'day of campaigns', 'days of campaigns'),
  ].join(', ');
  yield* section('balances that are not opening balance plus postings', report.wrongBalances, (f) =>
    f['balance'] === null
      ? `advertiser ${f['advertiserId']}: has histories, but is not there`
      : `advertiser ${f['advertiserId']}: balance ${f['balance']}, expected ${f['expected']}`,
  );
  yield* section('histories that do not follow from the one before', report.brokenChains, (f) => {
    const expected = f['expected'] ?? 'an advertiser';
    return `advertiser ${f['advertiserId']}, history ${f['historyId']}: balance_after ${f['balanceAfter']}, expected ${expected}`;
  });
  yield* section('days in daily_spend that are not their histories (spent/clicks/refunded)', report.wrongDays, (f) => {
    return `campaign ${f['campaignId']}, ${f['day']}: ${f['stored']}, expected ${f['expected']}`;
  });
  yield* section('suspicious: refunded more than charged', report.overRefundedDays, (f) => {
    return `campaign ${f['campaignId']}, ${f['day']}: charged ${f['spent']}, refunded ${f['refunded']}`;
  });
  yield* section('suspicious: one duplicate event refunded several times', report.repeatedDuplicates, (f) => {
    return `duplicateEventId ${f['duplicateEventId']}: ${f['refunds']} refunds, ${f['amount']} in all`;
  });
  yield report.holds ? 'the books balance' : 'the books do NOT balance';
}

function* section(
  title: string,
  findings: readonly Finding[],
  inWord: (finding: Finding) => string,
): Generator<string> {
  const [first] = findings;
  if (first === undefined) return;
  yield `${title}: ${first.total}`;
  for (const finding of findings) yield `  ${inWord(finding)}`;
  if (first.total > findings.length) yield `  … and ${first.total - findings.length} more`;
}
