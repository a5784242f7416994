import type { DataSource } from 'typeorm';
import { fromMillionths, toMillionths } from '../ledger/millionths.js';
import { dayBefore } from './budget-calendar.js';

/** Counters of one campaign and day that were seen since the last time they were kept; in millionths. */
export interface SeenCounter {
  readonly campaignId: bigint;
  /** `yyyy-MM-dd`. */
  readonly date: string;
  /** `last` as Redis has it. */
  readonly text: string;
  readonly last: bigint;
  readonly lowest: bigint;
}

/** What is known of yesterday's counter of a campaign. */
export interface Baseline {
  /** The last one that was seen yesterday, in millionths; null where none was. */
  readonly lastYesterday: bigint | null;
  /** A lower one was seen today. */
  readonly isReset: boolean;
}

/**
 * The posting function updates the same rows, in the order of campaign and day: this takes them in that order too, and leaves
 * those that it holds for the next time.
 */
const KEEP = `
  with seen as (
    select unnest($1::bigint[]) as campaign_id, unnest($2::date[]) as day, unnest($3::numeric[]) as last, unnest($4::numeric[]) as lowest
  ), taken as (
    select d.campaign_id, d.day, s.last, s.lowest
    from daily_spend d join seen s using (campaign_id, day)
    order by d.campaign_id, d.day
    for no key update of d skip locked
  ), kept as (
    update daily_spend d
    set last_counter = t.last,
        counter_reset = d.counter_reset or exists (
          select from daily_spend y where y.campaign_id = t.campaign_id and y.day = t.day - 1 and y.last_counter > t.lowest)
    from taken t where d.campaign_id = t.campaign_id and d.day = t.day
  )
  select s.campaign_id::text as id
  from seen s left join taken t using (campaign_id, day)
  -- A day without a row has no charge to go with: there is nothing to keep it at.
  where t.campaign_id is not null
     or not exists (select from daily_spend d where d.campaign_id = s.campaign_id and d.day = s.day)`;

/** Keeps them with their days; returns the campaigns that need not be kept again. */
export async function keepCounters(database: DataSource, counters: readonly SeenCounter[]): Promise<Set<bigint>> {
  const rows = await database.query<{ id: string }[]>(KEEP, [
    counters.map(({ campaignId }) => campaignId.toString()),
    counters.map(({ date }) => date),
    counters.map(({ last }) => fromMillionths(last)),
    counters.map(({ lowest }) => fromMillionths(lowest)),
  ]);
  return new Set(rows.map(({ id }) => BigInt(id)));
}

const FIND = `
  select i.id::text, y.last_counter::text as "lastYesterday", coalesce(t.counter_reset, false) as "isReset"
  from unnest($1::bigint[]) as i (id)
  left join daily_spend y on y.campaign_id = i.id and y.day = $2::date
  left join daily_spend t on t.campaign_id = i.id and t.day = $3::date`;

/** What is known of the counters of these campaigns from the day before `date`. */
export async function findBaselines(
  database: DataSource,
  date: string,
  campaignIds: readonly bigint[],
): Promise<Map<bigint, Baseline>> {
  const rows = await database.query<{ id: string; lastYesterday: string | null; isReset: boolean }[]>(FIND, [
    campaignIds.map(String),
    dayBefore(date),
    date,
  ]);
  return new Map(
    rows.map(({ id, lastYesterday, isReset }) => [
      BigInt(id),
      { lastYesterday: lastYesterday === null ? null : toMillionths(lastYesterday), isReset },
    ]),
  );
}
