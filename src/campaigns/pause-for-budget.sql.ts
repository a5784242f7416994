import type { DataSource } from 'typeorm';

/** A campaign whose day's spending has reached its budget. */
export interface BudgetPause {
  readonly campaignId: bigint;
  /** The budget day of the click that found it, `yyyy-MM-dd`. */
  readonly day: string;
  /** What it has spent, a plain decimal, and who says so. */
  readonly spent: string;
  readonly source: 'redis' | 'ledger';
  /** Of the click that found it, for its announcement; only with tracing. */
  readonly traceparent?: string | undefined;
}

export type PauseOutcome = 'paused' | 'not needed' | 'locked';

/**
 * Pauses those that are active and whose budget is still used up, each with its transition, in one transaction. In id order,
 * and past rows that somebody holds: two replicas that pause the same campaigns neither deadlock nor wait.
 */
const TEXT = `
  with asked as (
    select unnest($1::bigint[]) as id, unnest($2::date[]) as day, unnest($3::numeric[]) as spent, unnest($4::text[]) as source,
           unnest($6::text[]) as traceparent
  ), wanted as (
    select c.id from campaigns c join asked a using (id) where c.status = 'ACTIVE' and a.spent >= c.daily_budget
  ), taken as (
    select c.id, c.advertiser_id, c.daily_budget, a.day, a.spent, a.source, a.traceparent
    from campaigns c join asked a using (id)
    where c.status = 'ACTIVE' and a.spent >= c.daily_budget
    order by c.id
    for no key update of c skip locked
  ), paused as (
    update campaigns c
    set status = 'PAUSED', status_reason = 'BUDGET_EXHAUSTED', status_changed_at = $5,
        budget_paused_on = t.day, budget_paused_spent = t.spent
    from taken t where c.id = t.id
    returning c.id
  ), told as (
    insert into campaign_transitions (campaign_id, from_status, to_status, reason, at, details)
    select id, 'ACTIVE', 'PAUSED', 'BUDGET_EXHAUSTED', $5::timestamptz,
           jsonb_strip_nulls(jsonb_build_object('spent', spent::numeric(20, 6)::text, 'budget', daily_budget::text,
             'source', source, 'day', day::text, 'traceparent', traceparent))
    from taken
    order by id
  )
  select w.id::text, p.id is not null as paused from wanted w left join paused p using (id)`;

/** @throws the driver's error; then none is paused, unless the connection was lost meanwhile */
export async function pauseForBudget(
  database: DataSource,
  pauses: readonly BudgetPause[],
  at: Date,
): Promise<Map<bigint, PauseOutcome>> {
  const rows = await database.query<{ id: string; paused: boolean }[]>(TEXT, [
    pauses.map(({ campaignId }) => campaignId.toString()),
    pauses.map(({ day }) => day),
    pauses.map(({ spent }) => spent),
    pauses.map(({ source }) => source),
    at,
    pauses.map(({ traceparent }) => traceparent ?? null),
  ]);
  const outcomes = new Map<bigint, PauseOutcome>(pauses.map(({ campaignId }) => [campaignId, 'not needed']));
  for (const { id, paused } of rows) outcomes.set(BigInt(id), paused ? 'paused' : 'locked');
  return outcomes;
}
