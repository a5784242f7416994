import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LEDGER_POST_V1 } from './ledger-post-v1.sql.js';

/**
 * `ledger_post_v1` takes a group of postings as arrays (one element a posting) and answers with arrays.
 *
 * What a status means: POSTED (new), REPEATED (posted before: its stored id and balance are answered), HELD (the
 * advertiser's row is locked by somebody else), or why it was refused, in the words of the dead-letter codes.
 * One call is one transaction: the caller runs it alone, in autocommit, at READ COMMITTED.
 *
 * A later version takes a new name, so that replicas of the old one can go on during a roll-out.
 */
export class CreatePostingFunction1795500000004 implements MigrationInterface {
  readonly name = 'CreatePostingFunction1795500000004';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create function ledger_post_v1(
        lock_ids bigint[], -- the group's advertisers, each once
        lock_wait_ms int, -- how long to wait for a locked advertiser; null: leave its postings HELD at once
        budget_timezone text,
        keys text[], types text[], advertiser_ids bigint[], campaign_ids bigint[], amounts numeric[],
        price_sources text[], event_ids text[],
        topics text[], partitions int[], offsets bigint[], recorded_ms bigint[],
        occurred_ms bigint[], -- null: when it was recorded
        -- refunds only; a group without any sends them empty
        compensation_ids text[], original_event_ids text[], duplicate_event_ids text[], reasons text[],
        detected_ms bigint[],
        out statuses text[], -- a posting each, and so on down to campaign_statuses; null: all POSTED
        out balances numeric[],
        out stored_ids bigint[], -- of the REPEATED; null: there are none
        out campaigns bigint[], -- null where a refund names an unknown campaign or somebody else's; null: all as given
        out days date[], -- a single one: it is the day of all
        out daily_budgets numeric[],
        out campaign_statuses text[],
        out posted_ids bigint[], -- of the POSTED alone, in their order
        out spend_campaigns bigint[], -- each campaign and day once, like the next two
        out spend_days date[],
        out spends numeric[]
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
      as ${LEDGER_POST_V1}
    `);
    await queryRunner.query('revoke all on function ledger_post_v1 from public');
    await queryRunner.query('grant execute on function ledger_post_v1 to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop function ledger_post_v1');
  }
}
