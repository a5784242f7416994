import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How many clicks were charged and refunds paid in each of the last minutes, counted in the transaction of their postings.
 *
 * `session` is the `pg_backend_pid()` of the connection that posted: no two transactions have the same at the same time, so
 * none waits for another's row. These are observations, no money: the Worker may write them itself.
 */
export class CreatePostingMinutes1795500000010 implements MigrationInterface {
  readonly name = 'CreatePostingMinutes1795500000010';

  async up(queryRunner: QueryRunner): Promise<void> {
    // Updated with each group of postings: half of each page is left to the next versions of its rows.
    await queryRunner.query(`
      create table posting_minutes (
        minute timestamptz not null,
        session int not null,
        clicks bigint not null,
        refunds bigint not null,
        primary key (minute, session)
      ) with (fillfactor = 50, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)
    `);
    await queryRunner.query('revoke all on posting_minutes from public');
    await queryRunner.query('grant select, insert, update, delete on posting_minutes to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table posting_minutes');
  }
}
