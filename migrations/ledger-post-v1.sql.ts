/** The body of `ledger_post_v1`; what goes in and out is told where the function is created. */
export const LEDGER_POST_V1 = `$$
  declare
    locked bigint[];
    all_locked boolean;
    posted int;
    repeated int;
    by_compensation int;
    first_day date;
    last_day date;
    first_refund record;
    wait_ms constant text := coalesce(lock_wait_ms, 50)::text;
  begin
    if current_setting('transaction_isolation') <> 'read committed' then
      raise exception 'ledger_post_v1 wants READ COMMITTED' using errcode = 'invalid_transaction_state';
    end if;

    -- 1. Lock the advertisers, in id order: two groups that lock in different orders would deadlock. 'no key update'
    -- leaves inserts of campaigns (which lock their advertiser's key) alone.
    perform set_config('lock_timeout', wait_ms, true);
    if lock_wait_ms is null then
      select coalesce(array_agg(id), '{}') into locked
      from (select id from advertisers where id = any(lock_ids) order by id for no key update skip locked) a;
    else
      select coalesce(array_agg(id), '{}') into locked
      from (select id from advertisers where id = any(lock_ids) order by id for no key update) a;
    end if;
    all_locked := cardinality(locked) = cardinality(lock_ids);

    -- 'unnest' stands in select lists here, not in 'from': there each array would go through a tuple store of its own, a tenth
    -- of the whole function. 'offset 0' keeps the planner from taking these queries apart.

    -- 2. Only now look what is new: this statement's snapshot is taken after the locks were got. In the locking
    -- statement itself a redelivery would not be seen that committed while it waited.
    select array_agg(status), array_agg(balance), array_agg(stored_id), array_agg(campaign_id), array_agg(day),
           array_agg(daily_budget), array_agg(campaign_status),
           count(*) filter (where status = 'POSTED'), count(*) filter (where status = 'REPEATED'),
           count(*) filter (where by_compensation_id), min(day), max(day)
    into statuses, balances, stored_ids, campaigns, days, daily_budgets, campaign_statuses,
         posted, repeated, by_compensation, first_day, last_day
    from (
      select
        status, stored_id, campaign_id, day, daily_budget, campaign_status, by_compensation_id,
        case status
          when 'POSTED' then balance + sum(signed) filter (where status = 'POSTED')
            over (partition by advertiser_id order by place rows unbounded preceding)
          when 'REPEATED' then stored_balance
        end as balance
      from (
        select
          p.place, p.advertiser_id, a.balance, h.balance_after as stored_balance,
          c.daily_budget, c.status as campaign_status,
          coalesce(h.id, l.history_id) as stored_id,
          case p.type when 'DEDUCT' then -p.amount else p.amount end as signed,
          case
            when h.id is not null then h.campaign_id
            when p.type = 'DEDUCT' or c.advertiser_id = p.advertiser_id then p.campaign_id
          end as campaign_id,
          (p.recorded_at at time zone budget_timezone)::date as day,
          h.id is null and l.history_id is not null as by_compensation_id,
          case
            -- A redelivered click may come with another amount, when its price has changed since: charged is charged.
            when h.id is not null then
              case when h.advertiser_id = p.advertiser_id and h.type = p.type
                     and (h.amount = p.amount or p.type = 'DEDUCT') then 'REPEATED' else 'IDEMPOTENCY_CONFLICT' end
            when l.history_id is not null then
              case when l.advertiser_id = p.advertiser_id and l.refund_amount = p.amount
                   then 'REPEATED' else 'IDEMPOTENCY_CONFLICT' end
            -- More places than the columns keep would be rounded in the history, but not in the running balance.
            when not (p.amount > 0 and scale(p.amount) <= 6) then 'INVALID_EVENT'
            when a.id is null then 'UNKNOWN_ADVERTISER'
            when not (all_locked or p.advertiser_id = any(locked)) then 'HELD'
            when p.type = 'DEDUCT' and c.id is null then 'UNKNOWN_CAMPAIGN'
            when p.type = 'DEDUCT' and c.advertiser_id <> p.advertiser_id then 'CAMPAIGN_ADVERTISER_MISMATCH'
            else 'POSTED'
          end as status
        from (
          select u.*, to_timestamp(u.ms / 1000.0::float8) as recorded_at
          from (
            select unnest(keys) as key, unnest(types) as type, unnest(advertiser_ids) as advertiser_id,
                   unnest(campaign_ids) as campaign_id, unnest(amounts) as amount, unnest(recorded_ms) as ms,
                   unnest(compensation_ids) as compensation_id, generate_subscripts(keys, 1) as place
            offset 0
          ) u
        ) p
        -- 'limit 1' leaves the planner one way: look each row up by its key. Planned over tables that were empty (and
        -- analyzed as such), a plain join reads all of them, for every group, and is slower with every row.
        left join lateral (select * from advertisers where id = p.advertiser_id limit 1) a on true
        left join lateral (select * from campaigns where id = p.campaign_id limit 1) c on true
        left join lateral (
          select * from ad_balance_histories where idempotency_key = p.key and recorded_at = p.recorded_at limit 1
        ) h on true
        left join lateral (
          select * from duplicate_click_logs where compensation_id = p.compensation_id limit 1
        ) l on true
      ) judged
      order by place
    ) ordered;

    -- A compensation's repeat is another record, with a time of its own: the first one's balance, campaign and day count.
    if by_compensation > 0 then
      for i in 1 .. cardinality(statuses) loop
        if statuses[i] = 'REPEATED' and balances[i] is null then
          select h.balance_after, h.campaign_id, (h.recorded_at at time zone budget_timezone)::date as day,
                 c.daily_budget, c.status
          into first_refund
          from ad_balance_histories h left join campaigns c on c.id = h.campaign_id where h.id = stored_ids[i];
          balances[i] := first_refund.balance_after;
          campaigns[i] := first_refund.campaign_id;
          days[i] := first_refund.day;
          daily_budgets[i] := first_refund.daily_budget;
          campaign_statuses[i] := first_refund.status;
        end if;
      end loop;
    end if;

    if posted > 0 then
      -- 3. The histories. Ids are given in the order of the arrays, so an advertiser's follow each other in id order.
      -- Making a file longer is a lock too, and waits for a busy disk: that is nobody's row, and no reason to give up.
      perform set_config('lock_timeout', '1000', true);
      with written as (
        insert into ad_balance_histories (
          idempotency_key, advertiser_id, campaign_id, type, amount, balance_after, price_source, event_id,
          source_topic, source_partition, source_offset, recorded_at, occurred_at)
        select key, advertiser_id, campaign_id, type, amount, balance, price_source, event_id,
               topic, partition, "offset", to_timestamp(ms / 1000.0::float8), to_timestamp(coalesce(occurred, ms) / 1000.0::float8)
        from (
          select unnest(statuses) as status, unnest(keys) as key, unnest(advertiser_ids) as advertiser_id,
                 unnest(campaigns) as campaign_id, unnest(types) as type, unnest(amounts) as amount,
                 unnest(balances) as balance, unnest(price_sources) as price_source,
                 unnest(event_ids) as event_id, unnest(topics) as topic, unnest(partitions) as partition,
                 unnest(offsets) as "offset", unnest(recorded_ms) as ms, unnest(occurred_ms) as occurred
          offset 0
        ) p
        where status = 'POSTED'
        returning id
      )
      select array_agg(id order by id) into posted_ids from written;

      -- 4. The sums, by what was really inserted.
      update advertisers a set balance = a.balance + t.delta
      from (
        select advertiser_id, sum(case type when 'DEDUCT' then -amount else amount end) as delta
        from (
          select unnest(statuses) as status, unnest(advertiser_ids) as advertiser_id, unnest(types) as type,
                 unnest(amounts) as amount
          offset 0
        ) p
        where status = 'POSTED' group by advertiser_id
      ) t
      where a.id = t.advertiser_id;

      -- Somebody may hold a day of spending, or be inserting the same compensation: again no longer than for an advertiser.
      perform set_config('lock_timeout', wait_ms, true);
      with total as (
        select campaign_id, day, coalesce(sum(amount) filter (where type = 'DEDUCT'), 0) as spent,
               count(*) filter (where type = 'DEDUCT') as clicks,
               coalesce(sum(amount) filter (where type = 'REFUND'), 0) as refunded
        from (
          select unnest(statuses) as status, unnest(campaigns) as campaign_id, unnest(days) as day,
                 unnest(types) as type, unnest(amounts) as amount
          offset 0
        ) p
        where status = 'POSTED' and campaign_id is not null
        group by campaign_id, day
      ), added as (
        insert into daily_spend as d (campaign_id, day, spent, clicks, refunded)
        select campaign_id, day, spent, clicks, refunded from total
        order by campaign_id, day -- whoever else updates these rows in this order cannot deadlock with us
        on conflict (campaign_id, day) do update
        set spent = d.spent + excluded.spent, clicks = d.clicks + excluded.clicks,
            refunded = d.refunded + excluded.refunded
        returning campaign_id, day, spent - refunded as spend
      )
      select array_agg(campaign_id), array_agg(day), array_agg(spend)
      into spend_campaigns, spend_days, spends from added;

      -- 5. The log of duplicate clicks; its unique compensation_id is what refunds each compensation once, also between
      -- two advertisers. In the order of that id: two groups that meet in two of them must not deadlock.
      if cardinality(compensation_ids) > 0 then
        insert into duplicate_click_logs (
          compensation_id, advertiser_id, campaign_id, original_event_id, duplicate_event_id, refund_amount, reason,
          detected_at, history_id)
        select compensation_id, advertiser_id, campaign_id, original_event_id, duplicate_event_id, amount, reason,
               to_timestamp(detected / 1000.0::float8), id
        from (
          select p.*, posted_ids[count(*) filter (where status = 'POSTED') over (order by place)] as id
          from (
            select unnest(statuses) as status, unnest(types) as type,
                   unnest(compensation_ids) as compensation_id, unnest(advertiser_ids) as advertiser_id,
                   unnest(campaign_ids) as campaign_id, unnest(original_event_ids) as original_event_id,
                   unnest(duplicate_event_ids) as duplicate_event_id, unnest(amounts) as amount,
                   unnest(reasons) as reason, unnest(detected_ms) as detected,
                   generate_subscripts(keys, 1) as place
            offset 0
          ) p
        ) p
        where status = 'POSTED' and type = 'REFUND'
        order by compensation_id;
      end if;
    end if;

    -- 6. The budget decision is made again for repeats: a crash just after a posting must lose no pause.
    if repeated > 0 then
      select spend_campaigns || array_agg(d.campaign_id), spend_days || array_agg(d.day),
             spends || array_agg(d.spent - d.refunded)
      into spend_campaigns, spend_days, spends
      from (
        select distinct campaign_id, day
        from (
          select unnest(statuses) as status, unnest(campaigns) as campaign_id, unnest(days) as day
          offset 0
        ) p
        where status = 'REPEATED' and campaign_id is not null
      ) k
      join daily_spend d on d.campaign_id = k.campaign_id and d.day = k.day;
    end if;

    -- Nearly every answer is all new clicks of one day, and then need not say so hundreds of times.
    if posted = cardinality(keys) then
      statuses := null;
      stored_ids := null;
      if cardinality(compensation_ids) = 0 then
        campaigns := null;
      end if;
    end if;
    if first_day = last_day and by_compensation = 0 then
      days := array[first_day];
    end if;
  end
  $$`;
