/** More causes than anybody reads; they are normalised, so there are few. */
const MOST_CAUSES = 1_000;

/**
 * By cause and subject first, in the order of the index; whom a cause touches is then counted over these, not over the
 * letters. $1 is the topic whose money is told by campaign.
 */
export const CAUSES = (condition: string): string => `
  with parts as (
    select d.topic, d.error_code, d.cause, d.campaign_id, d.advertiser_id, count(*) as count,
           min(d.failed_at) as first_failed_at, max(d.failed_at) as last_failed_at,
           sum(d.refund_amount) as refunds, count(d.refund_amount) as refund_count
    from dead_letters d where ${condition}
    group by d.topic, d.error_code, d.cause, d.campaign_id, d.advertiser_id
  )
  select topic, error_code as code, cause, sum(count)::int as count,
         min(first_failed_at) as "firstFailedAt", max(last_failed_at) as "lastFailedAt",
         count(distinct advertiser_id)::int as advertisers, count(distinct campaign_id)::int as campaigns,
         case when topic <> $1 then sum(refunds)::text end as refunds,
         case when topic <> $1 then sum(refund_count)::int else 0 end as "refundCount"
  from parts group by topic, error_code, cause
  order by sum(count) desc, topic, error_code, cause limit ${MOST_CAUSES}`;

/** Of campaigns that there are: a letter that names another one has no price. */
export const CLICKS_OF_CAMPAIGNS = (condition: string): string => `
  select p.topic, p.error_code as code, p.cause, p.campaign_id::text as "campaignId", p.count, c.cpc::text as cpc
  from (
    select d.topic, d.error_code, d.cause, d.campaign_id, count(*)::int as count
    from dead_letters d where d.topic = $1 and d.campaign_id is not null and ${condition}
    group by d.topic, d.error_code, d.cause, d.campaign_id
  ) p join campaigns c on c.id = p.campaign_id`;
