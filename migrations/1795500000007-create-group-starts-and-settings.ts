import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What all replicas must agree on: where a consumer group began, and the settings that may not change unnoticed. */
export class CreateGroupStartsAndSettings1795500000007 implements MigrationInterface {
  readonly name = 'CreateGroupStartsAndSettings1795500000007';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table group_starts (
        group_id text not null,
        topic text not null,
        partition int not null,
        start_offset bigint not null,
        decided_at timestamptz not null default now(),
        primary key (group_id, topic, partition)
      )
    `);
    await queryRunner.query('create table worker_settings (name text primary key, value text not null)');
    await queryRunner.query('revoke all on group_starts, worker_settings from public');
    await queryRunner.query('grant select, insert on group_starts, worker_settings to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table worker_settings');
    await queryRunner.query('drop table group_starts');
  }
}
