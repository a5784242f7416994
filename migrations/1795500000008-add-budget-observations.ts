import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the budget monitor must remember over restarts and replicas: why a status changed, in the figures of that moment (a
 * pause may be undone before it is announced), and whether a day's Redis counter was seen to begin anew.
 */
export class AddBudgetObservations1795500000008 implements MigrationInterface {
  readonly name = 'AddBudgetObservations1795500000008';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table campaign_transitions add column details jsonb');
    await queryRunner.query('alter table daily_spend add column counter_reset boolean not null default false');
    await queryRunner.query('grant update (counter_reset) on daily_spend to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table daily_spend drop column counter_reset');
    await queryRunner.query('alter table campaign_transitions drop column details');
  }
}
