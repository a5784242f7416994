import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LEDGER_CHARGE_V1 } from './ledger-charge-v1.sql.js';

/**
 * `ledger_charge_v1` posts a plain group: new clicks of one topic and one budget day, each of an advertiser's own campaign. That
 * is nearly every group, and takes three quarters of what `ledger_post_v1` takes, which looks each key, advertiser and
 * campaign up before it writes. Where a group turns out not to be plain it raises and nothing is posted: CW001, or what
 * Postgres says of a key that is there already. The caller then asks `ledger_post_v1`, which says what is wrong with which.
 *
 * One call is one transaction: the caller runs it alone, in autocommit, at READ COMMITTED. The clicks are counted in
 * `posting_minutes` in the same transaction.
 *
 * A later version takes a new name, so that replicas of the old one can go on during a roll-out.
 */
export class CreateChargingFunction1795500000012 implements MigrationInterface {
  readonly name = 'CreateChargingFunction1795500000012';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create function ledger_charge_v1(
        lock_wait_ms int, -- how long to wait for a locked advertiser
        budget_timezone text,
        topic text,
        -- a click each; no key may be there twice
        keys text[], advertiser_ids bigint[], campaign_ids bigint[], amounts numeric[], price_sources text[],
        event_ids text[], partitions int[], offsets bigint[], recorded_ms bigint[],
        occurred_ms bigint[], -- null: when it was recorded
        out ids bigint[], -- a click each, like balances
        out balances numeric[],
        out spend_day date,
        out spend_campaigns bigint[], -- each campaign once, like the next three
        out spends numeric[],
        out daily_budgets numeric[],
        out campaign_statuses text[]
      )
      language plpgsql security definer
      set search_path = pg_catalog, public, pg_temp
      -- The plans were made when the tables were empty, and stay: by index whatever is in them.
      set plan_cache_mode = force_generic_plan
      set enable_seqscan = off
      set enable_bitmapscan = off
      set enable_hashjoin = off
      set enable_mergejoin = off
      set enable_memoize = off
      set enable_material = off
      set jit = off
      set datestyle = 'ISO'
      as ${LEDGER_CHARGE_V1}
    `);
    await queryRunner.query('revoke all on function ledger_charge_v1 from public');
    await queryRunner.query('grant execute on function ledger_charge_v1 to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop function ledger_charge_v1');
  }
}
