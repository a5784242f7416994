import type { ClientBase } from 'pg';
import type { PoisonCode } from '../platform/failure.js';
import { AS_TEXT, parsePlainArray, plainArray, textArray } from './array-literal.js';
import type { CampaignSpend, Posting, PostingResult } from './posting.js';
import { storableMs } from './storable-ms.js';

export interface SettledPosting {
  readonly status: 'SETTLED';
  readonly result: PostingResult;
}

/** What the database says of one posting. */
export type PostingOutcome =
  | SettledPosting
  /** Somebody else holds the advertiser's row. */
  | { readonly status: 'HELD' }
  /** `storedId` is the history that an `IDEMPOTENCY_CONFLICT` is with. */
  | { readonly status: 'REFUSED'; readonly code: PoisonCode; readonly storedId: bigint | null };

export interface PostGroupOptions {
  readonly budgetTimezone: string;
  /** How long to wait for an advertiser's row; null: whatever is locked right now is answered `HELD`. */
  readonly lockWaitMs: number | null;
}

/**
 * A new version of the function is a new name here: `ledger_post_v1` stays for replicas that still run the old code.
 *
 * What it posted is counted in the same statement, so in the same transaction: no crash counts a posting twice or never.
 */
const TEXT = `
  with answer as (
    select statuses, balances, stored_ids, campaigns, days, daily_budgets, campaign_statuses, posted_ids,
           spend_campaigns, spend_days, spends
    from ledger_post_v1(
      $1::bigint[], $2::int, $3::text,
      $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::numeric[], $9::text[], $10::text[],
      $11::text[], $12::int[], $13::bigint[], $14::bigint[], $15::bigint[],
      $16::text[], $17::text[], $18::text[], $19::text[], $20::bigint[])
  ), posted as (
    select cardinality(posted_ids) as postings,
           -- Columns of refunds are empty for clicks alone; statuses are null where all is posted.
           case when cardinality($16::text[]) = 0 then 0 else (
             select count(*) from unnest($5::text[], statuses) p (type, status)
             where p.type = 'REFUND' and coalesce(p.status, 'POSTED') = 'POSTED'
           ) end as refunds
    from answer
  ), counted as (
    insert into posting_minutes as m (minute, session, clicks, refunds)
    select date_trunc('minute', now()), pg_backend_pid(), postings - refunds, refunds
    from posted where postings > 0
    on conflict (minute, session) do update
    set clicks = m.clicks + excluded.clicks, refunds = m.refunds + excluded.refunds
  )
  select * from answer`;

/**
 * Posts a group in one call and one transaction; the answers come in the order of the postings. No key may be there twice.
 *
 * @throws the driver's error; then nothing is posted, unless the connection was lost or timed out: the keys cover that
 */
export async function postGroup(
  client: ClientBase,
  postings: readonly Posting[],
  options: PostGroupOptions,
): Promise<PostingOutcome[]> {
  const { rows } = await client.query<RawAnswer>({
    name: 'ledger-post-v1-counted',
    text: TEXT,
    values: [
      plainArray([...new Set(postings.map((p) => p.advertiserId))]),
      options.lockWaitMs,
      options.budgetTimezone,
      ...columnsOf(postings),
      ...refundColumnsOf(postings),
    ],
    rowMode: 'array',
    types: AS_TEXT,
  });
  const answer = rows[0];
  if (answer === undefined) throw new Error('ledger_post_v1 returned no row');
  return readAnswer(answer, postings);
}

/** What keeps this login from posting at all, in words, or undefined. */
export async function faultOfPosting(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{
    callable: boolean | null;
    chargeable: boolean | null;
    countable: boolean | null;
  }>(
    `select has_function_privilege(to_regproc('ledger_post_v1')::oid, 'execute') as callable,
            has_function_privilege(to_regproc('ledger_charge_v1')::oid, 'execute') as chargeable,
            has_table_privilege(to_regclass('posting_minutes')::oid, 'select')
              and has_table_privilege(to_regclass('posting_minutes')::oid, 'insert')
              and has_table_privilege(to_regclass('posting_minutes')::oid, 'update') as countable`,
  );
  const { callable = null, chargeable = null, countable = null } = rows[0] ?? {};
  for (const [name, isCallable] of Object.entries({ ledger_post_v1: callable, ledger_charge_v1: chargeable })) {
    if (isCallable === true) continue;
    const fault = isCallable === false ? 'may not be called by this login' : 'is missing';
    return `the posting function ${name} ${fault}`;
  }
  if (countable === true) return undefined;
  return `the table posting_minutes ${countable === false ? 'may not be written by this login' : 'is missing'}`;
}

type RawAnswer = (string | null)[];

function columnsOf(postings: readonly Posting[]): string[] {
  return [
    textArray(postings.map((p) => p.idempotencyKey)),
    plainArray(postings.map((p) => p.type)),
    plainArray(postings.map((p) => p.advertiserId)),
    plainArray(postings.map(campaignOf)),
    plainArray(postings.map((p) => p.amount)),
    plainArray(postings.map((p) => (p.type === 'DEDUCT' ? p.priceSource : null))),
    textArray(postings.map((p) => p.eventId)),
    textArray(postings.map((p) => p.origin.topic)),
    plainArray(postings.map((p) => p.origin.partition)),
    plainArray(postings.map((p) => p.origin.offset)),
    plainArray(postings.map((p) => storableMs(p.origin.timestamp))),
    plainArray(postings.map((p) => (p.occurredAt === undefined ? null : storableMs(p.occurredAt)))),
  ];
}

function campaignOf(posting: Posting): bigint | null {
  return posting.type === 'DEDUCT' ? posting.campaignId : (posting.duplicateClick.campaignId ?? null);
}

/** Empty for clicks alone, which is nearly every group. */
function refundColumnsOf(postings: readonly Posting[]): string[] {
  if (postings.every((p) => p.type === 'DEDUCT')) return ['{}', '{}', '{}', '{}', '{}'];
  const clicks = postings.map((p) => (p.type === 'REFUND' ? p.duplicateClick : undefined));
  return [
    textArray(clicks.map((c) => c?.compensationId)),
    textArray(clicks.map((c) => c?.originalEventId)),
    textArray(clicks.map((c) => c?.duplicateEventId)),
    textArray(clicks.map((c) => c?.reason)),
    plainArray(clicks.map((c) => (c?.detectedAt === undefined ? null : storableMs(c.detectedAt)))),
  ];
}

function readAnswer(answer: RawAnswer, postings: readonly Posting[]): PostingOutcome[] {
  const columns = answer.map(parsePlainArray);
  const [statuses = [], balances = [], storedIds = [], campaigns = [], days = [], budgets = [], campaignStatuses = []] =
    columns;
  const [postedIds = [], ...spendColumns] = columns.slice(7);
  if (balances.length !== postings.length) {
    throw new Error(`ledger_post_v1 answered ${balances.length} of ${postings.length} postings`);
  }
  const spends = readSpends(spendColumns);
  const allPosted = statuses.length === 0;
  const campaignsAsGiven = campaigns.length === 0;
  let posted = 0;

  const campaignAt = (place: number, posting: Posting): CampaignSpend | null => {
    const campaignId = campaignsAsGiven ? campaignOf(posting) : toId(campaigns[place]);
    if (campaignId === null) return null;
    const day = days.length === 1 ? days[0] : days[place];
    const spend = spends.get(campaignId)?.find((spend) => spend.day === day);
    if (spend === undefined) return null;
    spend.campaign ??= {
      campaignId,
      day: spend.day,
      spent: spend.spent,
      dailyBudget: budgets[place] ?? null,
      status: campaignStatuses[place] ?? '',
    };
    return spend.campaign;
  };

  return postings.map((posting, place): PostingOutcome => {
    const status = allPosted ? 'POSTED' : statuses[place];
    if (status === 'HELD') return { status };
    if (status !== 'POSTED' && status !== 'REPEATED') {
      return { status: 'REFUSED', code: status as PoisonCode, storedId: toId(storedIds[place]) };
    }
    const created = status === 'POSTED';
    const result: PostingResult = {
      historyId: toId(created ? postedIds[posted++] : storedIds[place]) ?? missing('id'),
      created,
      balanceAfter: balances[place] ?? missing('balance'),
      campaign: campaignAt(place, posting),
    };
    return { status: 'SETTLED', result };
  });
}

interface Spend extends Pick<CampaignSpend, 'day' | 'spent'> {
  /** The answer that all postings of the campaign and day share. */
  campaign?: CampaignSpend;
}

/** By campaign; a group seldom holds more than one day of it. */
function readSpends([campaigns = [], days = [], spends = []]: (string | null)[][]): Map<bigint, Spend[]> {
  const byCampaign = new Map<bigint, Spend[]>();
  for (let i = 0; i < campaigns.length; i++) {
    const campaignId = toId(campaigns[i]) ?? missing('campaign');
    const spend: Spend = { day: days[i] ?? '', spent: spends[i] ?? '0' };
    const others = byCampaign.get(campaignId);
    if (others === undefined) byCampaign.set(campaignId, [spend]);
    else others.push(spend);
  }
  return byCampaign;
}

function toId(text: string | null | undefined): bigint | null {
  return text === null || text === undefined ? null : BigInt(text);
}

function missing(what: string): never {
  throw new Error(`ledger_post_v1 settled a posting without ${what}`);
}
