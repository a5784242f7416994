import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The group roles that logins are made members of: `worker` runs the Worker, `billing` tops balances up.
 * Roles belong to the whole cluster, so another database may have made them already, or be making them right now.
 */
export class CreateRoles1795500000001 implements MigrationInterface {
  readonly name = 'CreateRoles1795500000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const role of ['worker', 'billing']) {
      await queryRunner.query(`
        do $$
        begin
          if not exists (select from pg_roles where rolname = '${role}') then
            create role ${role} nologin;
          end if;
        exception
          when duplicate_object or unique_violation then null; -- another database was faster
        end
        $$
      `);
    }
    await queryRunner.query('revoke create on schema public from public');
    await queryRunner.query('grant usage on schema public to worker, billing');
    // TypeORM's own table: the Worker looks there whether the schema is up to date.
    await queryRunner.query('grant select on migrations to worker');
  }

  /** The roles stay: dropping one would take its members' rights away in the cluster's other databases too. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('revoke select on migrations from worker');
    await queryRunner.query('revoke usage on schema public from worker, billing');
  }
}
