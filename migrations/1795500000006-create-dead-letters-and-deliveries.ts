import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateDeadLettersAndDeliveries1795500000006 implements MigrationInterface {
  readonly name = 'CreateDeadLettersAndDeliveries1795500000006';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table dead_letters (
        id bigint generated always as identity primary key,
        topic text not null,
        partition int not null,
        "offset" bigint not null,
        group_id text not null,
        record_timestamp bigint not null,
        key bytea,
        value bytea,
        headers jsonb not null default '[]',
        error_code text not null,
        error_message text not null,
        failed_at timestamptz not null,
        attempts int not null default 1,
        status text not null default 'NEW' check (status in ('NEW', 'REPLAYED', 'RESOLVED', 'DISCARDED')),
        actor text,
        reason text,
        unique (topic, partition, "offset", record_timestamp, group_id)
      )
    `);
    await queryRunner.query('create index dead_letters_open on dead_letters (status, topic, error_code, failed_at)');
    await queryRunner.query('create index dead_letters_failed on dead_letters (failed_at)');
    await queryRunner.query(`
      create table dead_letter_attempts (
        dead_letter_id bigint not null references dead_letters (id) on delete cascade,
        attempt int not null,
        error_code text not null,
        error_message text not null,
        failed_at timestamptz not null,
        actor text,
        reason text,
        primary key (dead_letter_id, attempt)
      )
    `);
    await queryRunner.query(`
      create table notification_deliveries (
        alert_id text not null,
        channel text not null check (channel in ('slack', 'email')),
        alert jsonb not null,
        status text not null default 'PENDING' check (status in ('PENDING', 'DELIVERED', 'FAILED')),
        attempts int not null default 0,
        next_attempt_at timestamptz not null default now(),
        last_error text,
        delivered_at timestamptz,
        created_at timestamptz not null default now(),
        primary key (alert_id, channel)
      ) with (fillfactor = 80)
    `);
    await queryRunner.query(`
      create index notification_deliveries_due on notification_deliveries (channel, next_attempt_at)
      where status = 'PENDING'
    `);
    await queryRunner.query('revoke all on dead_letters, dead_letter_attempts, notification_deliveries from public');
    // Delete: old dead letters go after DLQ_RETENTION_DAYS, and their attempts with them.
    await queryRunner.query('grant select, insert, update, delete on dead_letters to worker');
    await queryRunner.query('grant select, insert, update on dead_letter_attempts to worker');
    await queryRunner.query('grant select, insert, update on notification_deliveries to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table notification_deliveries');
    await queryRunner.query('drop table dead_letter_attempts');
    await queryRunner.query('drop table dead_letters');
  }
}
