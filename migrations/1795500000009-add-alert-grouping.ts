import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Floods of alerts become a few messages, over all replicas: a burst's state is a row, and each delivery knows whether it
 * goes out alone or with its burst's next group message. A new channel is no migration: its name is no longer checked.
 */
export class AddAlertGrouping1795500000009 implements MigrationInterface {
  readonly name = 'AddAlertGrouping1795500000009';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'alter table notification_deliveries drop constraint notification_deliveries_channel_check',
    );
    await queryRunner.query(`
      alter table notification_deliveries
        add column seq bigint generated always as identity,
        add column cause text not null default '',
        add column grouped boolean not null default false
    `);
    // Apart: ten thousand rows that wait for a group message do not stand in the way of the next single one.
    await queryRunner.query('drop index notification_deliveries_due');
    await queryRunner.query(`
      create index notification_deliveries_due on notification_deliveries (channel, next_attempt_at, seq)
      where status = 'PENDING' and not grouped
    `);
    await queryRunner.query(`
      create index notification_deliveries_grouped on notification_deliveries (channel, cause, seq)
      where status = 'PENDING' and grouped
    `);
    await queryRunner.query(`
      create table alert_bursts (
        channel text not null,
        cause text not null,
        alerts int not null default 0,
        last_alert_at timestamptz,
        group_due_at timestamptz,
        group_attempts int not null default 0,
        primary key (channel, cause)
      ) with (fillfactor = 50)
    `);
    await queryRunner.query(`
      create index alert_bursts_due on alert_bursts (channel, group_due_at) where group_due_at is not null
    `);
    await queryRunner.query(`
      create table notification_pauses (
        channel text primary key,
        paused_until timestamptz not null
      )
    `);
    await queryRunner.query('revoke all on alert_bursts, notification_pauses from public');
    await queryRunner.query('grant select, insert, update on alert_bursts, notification_pauses to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table notification_pauses');
    await queryRunner.query('drop table alert_bursts');
    await queryRunner.query('drop index notification_deliveries_grouped');
    await queryRunner.query('drop index notification_deliveries_due');
    await queryRunner.query(
      'alter table notification_deliveries drop column grouped, drop column cause, drop column seq',
    );
    await queryRunner.query(`
      create index notification_deliveries_due on notification_deliveries (channel, next_attempt_at)
      where status = 'PENDING'
    `);
    // Not valid: rows of channels that came later may stay.
    await queryRunner.query(`
      alter table notification_deliveries
        add constraint notification_deliveries_channel_check check (channel in ('slack', 'email')) not valid
    `);
  }
}
