import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Histories, what each campaign spent a day, and the log of duplicate clicks: written by the posting functions alone. */
export class CreateLedger1795500000003 implements MigrationInterface {
  readonly name = 'CreateLedger1795500000003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await createHistories(queryRunner);
    await createPartitions(queryRunner);
    await createSums(queryRunner);
    await queryRunner.query('revoke all on ad_balance_histories, daily_spend, duplicate_click_logs from public');
    await queryRunner.query('grant select on ad_balance_histories, daily_spend, duplicate_click_logs to worker');
    // The last Redis counter seen that day: an observation of the budget monitor, no money.
    await queryRunner.query('grant update (last_counter) on daily_spend to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop function ledger_make_partition_v1(date)');
    await queryRunner.query('drop table duplicate_click_logs');
    await queryRunner.query('drop table daily_spend');
    await queryRunner.query('drop table ad_balance_histories');
    await queryRunner.query('drop function refuse_change_of_history()');
  }
}

/**
 * No foreign keys: their checks would cost a fifth of the speed, and somebody's row lock on a campaign would hold up its
 * charges. The posting function checks the ids itself, under the advertiser's lock.
 *
 * The identity's sequence must keep `cache 1`: with more, a session hands out ids that are lower than another session's
 * earlier ones, and an advertiser's histories would no longer follow each other in id order.
 */
async function createHistories(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    create table ad_balance_histories (
      id bigint generated always as identity,
      idempotency_key text not null,
      advertiser_id bigint not null,
      campaign_id bigint,
      type text not null,
      amount numeric(20, 6) not null,
      balance_after numeric(20, 6) not null,
      price_source text,
      event_id text,
      source_topic text,
      source_partition int,
      source_offset bigint,
      recorded_at timestamptz not null,
      occurred_at timestamptz not null,
      created_at timestamptz not null default now(),
      primary key (id, recorded_at),
      unique (idempotency_key, recorded_at),
      constraint ad_balance_histories_type check (type in ('DEDUCT', 'REFUND', 'TOPUP')),
      constraint ad_balance_histories_amount check (amount > 0 and amount <> 'NaN')
    ) partition by range (recorded_at)
  `);
  await queryRunner.query(`
    create function refuse_change_of_history() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
      raise exception 'ad_balance_histories is append-only: % of % is refused', tg_op, tg_table_name
        using errcode = 'restrict_violation';
    end
    $$
  `);
  await queryRunner.query('revoke all on function refuse_change_of_history() from public');
  // Postgres clones a row trigger to every partition, now and later; a truncate trigger it does not.
  await queryRunner.query(`
    create trigger refuse_change before update or delete on ad_balance_histories
    for each row execute function refuse_change_of_history()
  `);
  await queryRunner.query(`
    create trigger refuse_truncate before truncate on ad_balance_histories
    for each statement execute function refuse_change_of_history()
  `);
}

/** A month each, in UTC, and a default partition for records with wild times. */
async function createPartitions(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query('create table ad_balance_histories_default partition of ad_balance_histories default');
  await queryRunner.query(`
    create trigger refuse_truncate before truncate on ad_balance_histories_default
    for each statement execute function refuse_change_of_history()
  `);
  await queryRunner.query('revoke all on ad_balance_histories_default from public');
  await queryRunner.query(`
    create function ledger_make_partition_v1(month date) returns text
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    set timezone = 'UTC'
    set lock_timeout = '200ms' -- whoever waits for a lock here has all inserts wait behind: give up, the caller tries again
    as $$
    declare
      first_day constant date := date_trunc('month', month)::date;
      next_month constant date := first_day + interval '1 month';
      partition constant text := 'ad_balance_histories_' || to_char(first_day, 'YYYY_MM');
    begin
      if to_regclass('public.' || partition) is not null then
        return 'exists';
      end if;
      if exists (
        select from ad_balance_histories_default where recorded_at >= first_day and recorded_at < next_month
      ) then
        return 'default_has_rows';
      end if;
      -- Made apart and attached: 'partition of' would lock the whole table against readers and writers.
      execute format(
        'create table public.%I (like public.ad_balance_histories including defaults including constraints)
         with (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_insert_threshold = 1000000)', partition);
      execute format('revoke all on public.%I from public', partition);
      execute format(
        'create trigger refuse_truncate before truncate on public.%I
         for each statement execute function public.refuse_change_of_history()', partition);
      execute format(
        'alter table public.ad_balance_histories attach partition public.%I for values from (%L) to (%L)',
        partition, first_day::timestamptz, next_month::timestamptz);
      return 'made';
    exception
      when check_violation then return 'default_has_rows'; -- a row came in between
      when duplicate_table or duplicate_object or unique_violation then return 'exists'; -- another replica was faster
    end
    $$
  `);
  await queryRunner.query('revoke all on function ledger_make_partition_v1(date) from public');
  await queryRunner.query('grant execute on function ledger_make_partition_v1(date) to worker');
}

async function createSums(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    create table daily_spend (
      campaign_id bigint not null,
      day date not null,
      spent numeric(20, 6) not null default 0,
      clicks bigint not null default 0,
      refunded numeric(20, 6) not null default 0,
      last_counter numeric(20, 6),
      primary key (campaign_id, day)
    ) with (
      fillfactor = 50,
      autovacuum_vacuum_scale_factor = 0.05,
      autovacuum_vacuum_threshold = 2000,
      autovacuum_vacuum_cost_delay = 0
    )
  `);
  await queryRunner.query(`
    create table duplicate_click_logs (
      id bigint generated always as identity primary key,
      compensation_id text unique,
      advertiser_id bigint not null,
      campaign_id bigint,
      original_event_id text,
      duplicate_event_id text,
      refund_amount numeric(20, 6) not null,
      reason text,
      detected_at timestamptz,
      history_id bigint not null unique,
      created_at timestamptz not null default now()
    )
  `);
  await queryRunner.query('create index duplicate_click_logs_created on duplicate_click_logs (created_at)');
}
