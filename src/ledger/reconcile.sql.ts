/**
 * What must hold, as statements that return those for which it does not. Each goes over whole tables, in sets: a million
 * histories take seconds. `total` is how many there are in all, since only the first are returned.
 */

/** Every advertiser's balance is what it opened with and all that was posted. */
export const WRONG_BALANCES = `
  with posted as (
    select advertiser_id, sum(case type when 'DEDUCT' then -amount else amount end) as amount
    from ad_balance_histories group by advertiser_id
  )
  select coalesce(a.id, p.advertiser_id)::text as "advertiserId", a.balance::text,
         (a.opening_balance + coalesce(p.amount, 0))::text as expected, count(*) over ()::int as total
  from advertisers a
  full join posted p on p.advertiser_id = a.id
  where a.id is null or a.balance <> a.opening_balance + coalesce(p.amount, 0)
  order by coalesce(a.id, p.advertiser_id)
  limit $1`;

/** Each history follows from the one before, in id order; an advertiser's first from its opening balance. */
export const BROKEN_CHAINS = `
  select h.id::text as "historyId", h.advertiser_id::text as "advertiserId", h.balance_after::text as "balanceAfter",
         (h.before + h.signed)::text as expected, count(*) over ()::int as total
  from (
    select c.id, c.advertiser_id, c.balance_after, c.signed,
           coalesce(c.previous_balance, a.opening_balance) as before
    from (
      select id, advertiser_id, balance_after, case type when 'DEDUCT' then -amount else amount end as signed,
             lag(balance_after) over (partition by advertiser_id order by id) as previous_balance
      from ad_balance_histories
    ) c
    left join advertisers a on a.id = c.advertiser_id
  ) h
  where h.balance_after is distinct from h.before + h.signed
  order by h.id
  limit $1`;

/**
 * What each campaign spent a day is what was posted for it; days are counted in the zone that was in force when the posting
 * was made. $2 and $3: the zones, and until when each was.
 */
export const WRONG_DAYS = `
  with posted as (
    select h.campaign_id, d.day,
           coalesce(sum(h.amount) filter (where h.type = 'DEDUCT'), 0) as spent,
           count(*) filter (where h.type = 'DEDUCT') as clicks,
           coalesce(sum(h.amount) filter (where h.type = 'REFUND'), 0) as refunded
    from ad_balance_histories h
    cross join lateral (
      select (h.recorded_at at time zone z.timezone)::date as day
      from unnest($2::text[], $3::timestamptz[]) z (timezone, until)
      where h.created_at < z.until order by z.until limit 1
    ) d
    where h.campaign_id is not null
    group by h.campaign_id, d.day
  )
  select coalesce(s.campaign_id, p.campaign_id)::text as "campaignId", coalesce(s.day, p.day)::text as day,
         concat_ws('/', coalesce(s.spent, 0), coalesce(s.clicks, 0), coalesce(s.refunded, 0)) as stored,
         concat_ws('/', coalesce(p.spent, 0), coalesce(p.clicks, 0), coalesce(p.refunded, 0)) as expected,
         count(*) over ()::int as total
  from daily_spend s
  full join posted p on p.campaign_id = s.campaign_id and p.day = s.day
  where (coalesce(s.spent, 0), coalesce(s.clicks, 0), coalesce(s.refunded, 0))
     <> (coalesce(p.spent, 0), coalesce(p.clicks, 0), coalesce(p.refunded, 0))
  order by 1, 2
  limit $1`;

export const OVER_REFUNDED_DAYS = `
  select campaign_id::text as "campaignId", day::text, spent::text, refunded::text, count(*) over ()::int as total
  from daily_spend where refunded > spent
  order by refunded - spent desc, campaign_id, day
  limit $1`;

/** Each row of the log is a refund of its own, since no `compensation_id` comes twice: a plain count sorts nothing. */
export const REPEATED_DUPLICATES = `
  select duplicate_event_id as "duplicateEventId", count(*)::int as refunds, sum(refund_amount)::text as amount,
         count(*) over ()::int as total
  from duplicate_click_logs
  where duplicate_event_id is not null
  group by duplicate_event_id
  having count(*) > 1
  order by count(*) desc, duplicate_event_id
  limit $1`;

export const COUNTS = `
  select (select count(*) from advertisers)::int as advertisers,
         (select count(*) from ad_balance_histories)::int as histories,
         (select count(*) from daily_spend)::int as "campaignDays"`;
