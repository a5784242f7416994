import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAdvertisersAndCampaigns1795500000002 implements MigrationInterface {
  readonly name = 'CreateAdvertisersAndCampaigns1795500000002';

  async up(queryRunner: QueryRunner): Promise<void> {
    // Hot: a group of postings updates hundreds of balances. Half a page free keeps those updates on their page (HOT),
    // and early vacuums keep the pages short.
    await queryRunner.query(`
      create table advertisers (
        id bigint primary key,
        name text not null,
        balance numeric(20, 6) not null default 0 check (balance <> 'NaN'),
        opening_balance numeric(20, 6) not null default 0 check (opening_balance <> 'NaN')
      ) with (
        fillfactor = 50,
        autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0
      )
    `);
    await queryRunner.query(`
      create table campaigns (
        id bigint primary key,
        advertiser_id bigint not null references advertisers (id),
        name text not null,
        cpc numeric(20, 6),
        daily_budget numeric(20, 6),
        status text not null default 'ACTIVE' check (status in ('ACTIVE', 'PAUSED', 'ENDED')),
        status_reason text,
        status_changed_at timestamptz not null default now(),
        budget_paused_on date,
        budget_paused_spent numeric(20, 6)
      ) with (fillfactor = 80)
    `);
    await queryRunner.query('create index campaigns_advertiser on campaigns (advertiser_id)');
    // What resuming looks for, once a minute: those paused for their budget, a handful among all.
    await queryRunner.query(`
      create index campaigns_budget_exhausted on campaigns (id)
      where status = 'PAUSED' and status_reason = 'BUDGET_EXHAUSTED'
    `);
    await queryRunner.query(`
      create table campaign_transitions (
        id bigint generated always as identity primary key,
        campaign_id bigint not null references campaigns (id),
        from_status text not null,
        to_status text not null,
        reason text,
        at timestamptz not null default now(),
        announced_at timestamptz
      )
    `);
    await queryRunner.query('create index campaign_transitions_campaign on campaign_transitions (campaign_id, id)');
    await queryRunner.query(
      'create index campaign_transitions_unannounced on campaign_transitions (id) where announced_at is null',
    );
    await queryRunner.query('revoke all on advertisers, campaigns, campaign_transitions from public');
    await queryRunner.query('grant select on advertisers, campaigns, campaign_transitions to worker');
    await queryRunner.query(`
      grant update (status, status_reason, status_changed_at, budget_paused_on, budget_paused_spent)
      on campaigns to worker
    `);
    await queryRunner.query('grant insert, update (announced_at) on campaign_transitions to worker');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table campaign_transitions');
    await queryRunner.query('drop table campaigns');
    await queryRunner.query('drop table advertisers');
  }
}
