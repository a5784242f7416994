import type { MigrationInterface, QueryRunner } from 'typeorm';

/** `ledger_top_up(advertiser_id, amount, reference)`: how billing adds to a balance, once per reference. */
export class CreateTopUpFunction1795500000005 implements MigrationInterface {
  readonly name = 'CreateTopUpFunction1795500000005';

  async up(queryRunner: QueryRunner): Promise<void> {
    // A top-up's time is not part of its identity, so the histories' unique key (which holds the time) cannot guard it.
    await queryRunner.query(`
      create table top_up_references (
        reference text primary key,
        advertiser_id bigint not null,
        amount numeric(20, 6) not null
      )
    `);
    await queryRunner.query('revoke all on top_up_references from public');
    await queryRunner.query(`
      create function ledger_top_up(advertiser_id bigint, amount numeric, reference text) returns void
      language plpgsql security definer
      set search_path = pg_catalog, public, pg_temp
      as ${BODY}
    `);
    await queryRunner.query('revoke all on function ledger_top_up from public');
    await queryRunner.query('grant execute on function ledger_top_up to billing');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop function ledger_top_up');
    await queryRunner.query('drop table top_up_references');
  }
}

const BODY = `$$
  #variable_conflict use_column
  declare
    first_top_up record;
    new_balance numeric;
  begin
    -- 'NaN' is above every number, so the upper bound refuses it.
    if not coalesce(ledger_top_up.amount > 0 and ledger_top_up.amount < 1e14
                    and scale(trim_scale(ledger_top_up.amount)) <= 6, false) then
      raise exception 'amount %: must be above zero, below 10^14, with at most six decimal places',
        ledger_top_up.amount using errcode = 'invalid_parameter_value';
    end if;
    if not coalesce(length(ledger_top_up.reference) between 1 and 200, false) then
      raise exception 'reference: must have 1 to 200 characters' using errcode = 'invalid_parameter_value';
    end if;

    -- Waits for another transaction that credits the same reference, to any advertiser, right now.
    insert into top_up_references (reference, advertiser_id, amount)
    values (ledger_top_up.reference, ledger_top_up.advertiser_id, ledger_top_up.amount)
    on conflict (reference) do nothing;
    if not found then
      select advertiser_id, amount into first_top_up
      from top_up_references where reference = ledger_top_up.reference;
      if first_top_up.advertiser_id <> ledger_top_up.advertiser_id or first_top_up.amount <> ledger_top_up.amount then
        raise exception 'reference "%" was credited before with another amount or to another advertiser: % to %',
          ledger_top_up.reference, first_top_up.amount, first_top_up.advertiser_id using errcode = 'unique_violation';
      end if;
      return;
    end if;

    update advertisers set balance = balance + ledger_top_up.amount
    where id = ledger_top_up.advertiser_id returning balance into new_balance;
    if not found then
      raise exception 'advertiser % is unknown', ledger_top_up.advertiser_id using errcode = 'foreign_key_violation';
    end if;
    -- The id is drawn under the advertiser's lock: it is above those of all his earlier histories.
    insert into ad_balance_histories (
      idempotency_key, advertiser_id, type, amount, balance_after, recorded_at, occurred_at)
    values ('topup:' || ledger_top_up.reference, ledger_top_up.advertiser_id, 'TOPUP', ledger_top_up.amount,
            new_balance, now(), now());
  end
  $$`;
