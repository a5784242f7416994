import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What an operator asks dead letters for: their cause (the message without what differs from letter to letter), whom they
 * concern, and what is still to be done about them. All of it is read from the record when it is stored, so that a million
 * rows are found by index.
 */
export class FindDeadLettersByCause1795500000011 implements MigrationInterface {
  readonly name = 'FindDeadLettersByCause1795500000011';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table dead_letters
        add column cause text not null default '',
        add column campaign_id bigint,
        add column advertiser_id bigint,
        add column refund_amount numeric(20, 6),
        add column replayed_at timestamptz,
        add column closed_at timestamptz
    `);
    // Close to what the Worker makes of a message; the few letters of before need no more.
    await queryRunner.query(
      `update dead_letters set cause = left(regexp_replace(regexp_replace(error_message, '"[^"]*"', '…', 'g'), '\\d+', '#', 'g'), 200)`,
    );
    // For counts by topic, code and status: few different keys, so it stays small and is read whole.
    await queryRunner.query('drop index dead_letters_open');
    await queryRunner.query('create index dead_letters_counts on dead_letters (status, topic, error_code)');
    // For causes: read in order, without the rows.
    await queryRunner.query(`
      create index dead_letters_causes on dead_letters (status, topic, error_code, cause, campaign_id, advertiser_id)
      include (failed_at, refund_amount)
    `);
    await queryRunner.query('create index dead_letters_of_campaign on dead_letters (campaign_id, id)');
    await queryRunner.query('create index dead_letters_of_advertiser on dead_letters (advertiser_id, id)');
    // A replay goes through what is open, by id; what is closed is looked at once it is old.
    await queryRunner.query(`
      create index dead_letters_replayable on dead_letters (topic, error_code, id) where status in ('NEW', 'REPLAYED')
    `);
    await queryRunner.query(`
      create index dead_letters_undecided on dead_letters (id) where status in ('NEW', 'REPLAYED')
    `);
    await queryRunner.query(`
      create index dead_letters_closed on dead_letters ((coalesce(closed_at, failed_at)))
      where status in ('RESOLVED', 'DISCARDED')
    `);
    await queryRunner.query(`
      create index notification_deliveries_done on notification_deliveries ((coalesce(delivered_at, created_at)))
      where status in ('DELIVERED', 'FAILED')
    `);
    await queryRunner.query('grant delete on notification_deliveries to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('revoke delete on notification_deliveries from worker');
    await queryRunner.query('drop index notification_deliveries_done');
    // The other indexes go with their columns, or were not there before.
    for (const name of ['counts', 'causes', 'of_campaign', 'of_advertiser', 'replayable', 'undecided', 'closed']) {
      await queryRunner.query(`drop index dead_letters_${name}`);
    }
    await queryRunner.query(`
      alter table dead_letters
        drop column closed_at, drop column replayed_at, drop column refund_amount,
        drop column advertiser_id, drop column campaign_id, drop column cause
    `);
    await queryRunner.query('create index dead_letters_open on dead_letters (status, topic, error_code, failed_at)');
  }
}
