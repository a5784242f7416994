import type { DataSource } from 'typeorm';

/** What a budget day is called, and in which zone it is counted. */
export interface BudgetDayOf {
  /** `yyyy-MM-dd`. */
  readonly day: string;
  readonly timezone: string;
}

/** A campaign that may run again, as far as the database knows. */
export interface ResumableCampaign {
  readonly campaignId: bigint;
  /** Of its day: spent − refunded, a decimal. */
  readonly spent: string;
  /** A decimal; null is unlimited. */
  readonly dailyBudget: string | null;
  /** It was paused on an earlier day; else its budget has grown. */
  readonly isNewDay: boolean;
}

/** $1 is today, $2 the zone. `paused_on` is the day of the click that paused the campaign. */
const RESUMABLE = `
  from campaigns c
  left join daily_spend d on d.campaign_id = c.id and d.day = $1::date
  cross join lateral (
    select coalesce(c.budget_paused_on, (c.status_changed_at at time zone $2)::date) as paused_on,
           coalesce(d.spent - d.refunded, 0) as spent
  ) s
  where c.status = 'PAUSED' and c.status_reason = 'BUDGET_EXHAUSTED'
    and (c.daily_budget is null
         or c.daily_budget > s.spent and (s.paused_on < $1::date or c.daily_budget > c.budget_paused_spent))`;

const FIND = `
  select c.id::text, s.spent::text, c.daily_budget::text, s.paused_on < $1::date as is_new_day
  ${RESUMABLE} and c.id > $3
  order by c.id limit $4`;

/** The next of those that may run again, in the order of their ids. */
export async function findResumable(
  database: DataSource,
  { day, timezone }: BudgetDayOf,
  { after, limit }: { after: bigint; limit: number },
): Promise<ResumableCampaign[]> {
  const rows = await database.query<{ id: string; spent: string; daily_budget: string | null; is_new_day: boolean }[]>(
    FIND,
    [day, timezone, after.toString(), limit],
  );
  return rows.map((row) => ({
    campaignId: BigInt(row.id),
    spent: row.spent,
    dailyBudget: row.daily_budget,
    isNewDay: row.is_new_day,
  }));
}

/** What another replica holds it resumes; what has changed since it was found stays as it is. */
const RESUME = `
  with taken as (
    select c.id, c.daily_budget, s.spent, s.paused_on < $1::date as is_new_day
    ${RESUMABLE} and c.id = any($3::bigint[])
    order by c.id
    for no key update of c skip locked
  ), resumed as (
    update campaigns c
    set status = 'ACTIVE', status_reason = null, status_changed_at = $4, budget_paused_on = null, budget_paused_spent = null
    from taken t where c.id = t.id
  )
  insert into campaign_transitions (campaign_id, from_status, to_status, reason, at, details)
  select id, 'PAUSED', 'ACTIVE', case when is_new_day then 'DAY_STARTED' else 'BUDGET_RAISED' end, $4::timestamptz,
         jsonb_build_object('spent', spent::numeric(20, 6)::text, 'budget', daily_budget::text, 'source', 'ledger', 'day', $1::text)
  from taken
  order by id
  returning campaign_id`;

/** How many were resumed, each with its transition, in one transaction. */
export async function resume(
  database: DataSource,
  { day, timezone }: BudgetDayOf,
  campaignIds: readonly bigint[],
  at: Date,
): Promise<number> {
  const rows = await database.query<unknown[]>(RESUME, [day, timezone, campaignIds.map(String), at]);
  return rows.length;
}
