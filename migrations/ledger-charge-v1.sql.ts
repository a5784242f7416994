/** What `ledger_charge_v1` raises where a group is not plain: nothing of it is posted, and `ledger_post_v1` has to look at each. */
const NOT_PLAIN = 'CW001';

/** The body of `ledger_charge_v1`; what goes in and out is told where the function is created. */
export const LEDGER_CHARGE_V1 = `$$
  declare
    balances_before numeric[];
    owners bigint[];
    expected int;
    found int;
    first_ms bigint;
    last_ms bigint;
    are_theirs boolean;
    wait_ms constant text := lock_wait_ms::text;
  begin
    if current_setting('transaction_isolation') <> 'read committed' then
      raise exception 'ledger_charge_v1 wants READ COMMITTED' using errcode = 'invalid_transaction_state';
    end if;

    select min(ms), max(ms) into first_ms, last_ms from unnest(recorded_ms) ms;
    spend_day := (to_timestamp(first_ms / 1000.0::float8) at time zone budget_timezone)::date;
    if spend_day <> (to_timestamp(last_ms / 1000.0::float8) at time zone budget_timezone)::date then
      raise exception 'the clicks are of more than one day' using errcode = '${NOT_PLAIN}';
    end if;

    -- 'unnest' stands in select lists here, not in 'from': there each array would go through a tuple store of its own.
    -- 'offset 0' keeps the planner from taking these queries apart. 'between' twice the same leaves it one way: look each row
    -- up by its key. Planned over tables that were empty (and analyzed as such), a join by '=' reads all of them, for every group.

    -- 1. Take the money, which locks the advertisers: in id order, since two groups that lock in different orders would
    -- deadlock. Whether each click is new shows at its history: where one is not, all of this is taken back.
    perform set_config('lock_timeout', wait_ms, true);
    with due as (
      select advertiser_id, sum(amount) as total
      from (select unnest(advertiser_ids) as advertiser_id, unnest(amounts) as amount offset 0) p
      group by advertiser_id order by advertiser_id
      offset 0
    ), charged as (
      update advertisers a set balance = a.balance - d.total
      from due d where a.id between d.advertiser_id and d.advertiser_id
      returning a.id, a.balance + d.total as before
    )
    select array_agg(before order by id), count(*), (select count(*) from due)
    into balances_before, found, expected from charged;
    if found <> expected then
      raise exception 'an advertiser is unknown' using errcode = '${NOT_PLAIN}';
    end if;

    -- 2. The histories with a running balance; an advertiser's follow each other in id order. Their unique key refuses what
    -- was posted before, whatever this transaction can see.
    -- Making a file longer is a lock too, and waits for a busy disk: that is nobody's row, and no reason to give up.
    perform set_config('lock_timeout', '1000', true);
    with written as (
      insert into ad_balance_histories (
        idempotency_key, advertiser_id, campaign_id, type, amount, balance_after, price_source, event_id,
        source_topic, source_partition, source_offset, recorded_at, occurred_at)
      select key, advertiser_id, campaign_id, 'DEDUCT', amount,
             balances_before[dense_rank() over (order by advertiser_id)]
               - sum(amount) over (partition by advertiser_id order by place rows unbounded preceding),
             price_source, event_id, topic, partition, "offset",
             to_timestamp(ms / 1000.0::float8), to_timestamp(coalesce(occurred, ms) / 1000.0::float8)
      from (
        select unnest(keys) as key, unnest(advertiser_ids) as advertiser_id, unnest(campaign_ids) as campaign_id,
               unnest(amounts) as amount, unnest(price_sources) as price_source, unnest(event_ids) as event_id,
               unnest(partitions) as partition, unnest(offsets) as "offset", unnest(recorded_ms) as ms,
               unnest(occurred_ms) as occurred, generate_subscripts(keys, 1) as place
        offset 0
      ) p
      order by place
      returning id, balance_after
    )
    select array_agg(id order by id), array_agg(balance_after order by id) into ids, balances from written;

    -- 3. What the campaigns have spent: the row of the day is nearly always there, and an update costs half of an insert
    -- that turns into one. Only whoever holds the advertiser adds to these rows or makes them.
    perform set_config('lock_timeout', wait_ms, true);
    with total as (
      select campaign_id, advertiser_id, spend_day as day, sum(amount) as spent, count(*) as clicks
      from (
        select unnest(campaign_ids) as campaign_id, unnest(advertiser_ids) as advertiser_id, unnest(amounts) as amount
        offset 0
      ) p
      group by campaign_id, advertiser_id order by campaign_id
      offset 0
    ), added as (
      update daily_spend d set spent = d.spent + t.spent, clicks = d.clicks + t.clicks
      from total t where d.campaign_id between t.campaign_id and t.campaign_id and d.day between t.day and t.day
      returning d.campaign_id, t.advertiser_id, d.spent - d.refunded as spend
    )
    select array_agg(campaign_id), array_agg(advertiser_id), array_agg(spend), count(*), (select count(*) from total)
    into spend_campaigns, owners, spends, found, expected from added;

    if found < expected then -- the first click of a campaign's day
      with missing as (
        select campaign_id, min(advertiser_id) as advertiser_id, sum(amount) as spent, count(*) as clicks
        from (
          select unnest(campaign_ids) as campaign_id, unnest(advertiser_ids) as advertiser_id, unnest(amounts) as amount
          offset 0
        ) p
        where (select true from daily_spend d where d.campaign_id = p.campaign_id and d.day = spend_day) is null
        group by campaign_id order by campaign_id
        offset 0
      ), made as (
        insert into daily_spend as d (campaign_id, day, spent, clicks)
        select campaign_id, spend_day, spent, clicks from missing
        on conflict (campaign_id, day) do update
        set spent = d.spent + excluded.spent, clicks = d.clicks + excluded.clicks
        returning campaign_id, spent - refunded as spend
      )
      select spend_campaigns || array_agg(campaign_id order by campaign_id),
             owners || (select array_agg(advertiser_id order by campaign_id) from missing),
             spends || array_agg(spend order by campaign_id), found + count(*)
      into spend_campaigns, owners, spends, found from made;
    end if;

    -- 4. The campaigns, for the budget decision; 'limit 1' does here what 'between' does above. A campaign that came with two advertisers has fewer rows than was expected.
    select array_agg(c.daily_budget), array_agg(c.status), bool_and(coalesce(c.advertiser_id = s.owner, false))
    into daily_budgets, campaign_statuses, are_theirs
    from (select unnest(spend_campaigns) as campaign_id, unnest(owners) as owner offset 0) s
    left join lateral (select * from campaigns where id = s.campaign_id limit 1) c on true;
    if found <> expected or not are_theirs then
      raise exception 'a campaign is unknown, or another advertiser''s' using errcode = '${NOT_PLAIN}';
    end if;

    insert into posting_minutes as m (minute, session, clicks, refunds)
    values (date_trunc('minute', now()), pg_backend_pid(), cardinality(keys), 0)
    on conflict (minute, session) do update set clicks = m.clicks + excluded.clicks;
  end
  $$`;
