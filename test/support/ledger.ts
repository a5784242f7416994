import { afterAll, afterEach, expect } from 'vitest';
import { LedgerHooks } from '../../src/ledger/ledger-hooks.js';
import type { LedgerOptions } from '../../src/ledger/ledger-options.js';
import { LedgerService } from '../../src/ledger/ledger.service.js';
import type { Deduction, Posting, PostingCaller, PostingResult, Refund } from '../../src/ledger/posting.js';
import { reconcile } from '../../src/ledger/reconcile.js';
import { rehearse } from '../../src/platform/rehearsal.js';
import type { TestDatabase } from './database.js';

const BUDGET_TIMEZONE = 'Asia/Seoul';
/** 2026-11-24, noon in Seoul; within the months that a migration makes ahead only by chance, and that must not matter. */
export const NOON_MS = Date.parse('2026-11-24T03:00:00Z');

let lastId = Date.now() % 1_000_000_000;
/** Every test has its own advertisers, campaigns and records: nothing is cleaned up. */
export const uniqueId = (): bigint => BigInt(++lastId);

export interface Account {
  readonly advertiserId: bigint;
  readonly campaignId: bigint;
}

export function aClick(account: Account, given: Partial<Deduction> & { offset?: bigint } = {}): Deduction {
  const { offset = uniqueId(), ...rest } = given;
  const origin = { topic: 'ad-events', partition: 0, offset, timestamp: NOON_MS };
  return {
    type: 'DEDUCT',
    idempotencyKey: `record:${origin.topic}:0:${offset}:${rest.origin?.timestamp ?? NOON_MS}`,
    ...account,
    amount: '0.25',
    priceSource: 'redis',
    origin,
    ...rest,
  };
}

export function aRefund(account: Account, given: Partial<Refund> & { compensationId?: string } = {}): Refund {
  const { compensationId = `c-${uniqueId()}`, ...rest } = given;
  return {
    type: 'REFUND',
    idempotencyKey: `compensation:${compensationId}`,
    advertiserId: account.advertiserId,
    amount: '0.25',
    origin: { topic: 'compensation-events', partition: 0, offset: uniqueId(), timestamp: NOON_MS },
    duplicateClick: { compensationId, campaignId: account.campaignId },
    ...rest,
  };
}

/** A ledger service like the Worker's, and what tests look at; after each test the books must balance. */
export function useLedger(database: TestDatabase) {
  const opened: LedgerService[] = [];
  const open = (given: Partial<LedgerOptions> = {}): LedgerService => {
    const options = { databaseUrl: database.workerUrl, budgetTimezone: BUDGET_TIMEZONE, ...given };
    const service = new LedgerService(options, new LedgerHooks());
    opened.push(service);
    return service;
  };
  afterEach(() => expectBooksToBalance(database));
  afterAll(() => Promise.all(opened.map((service) => service.close())));
  let first: LedgerService | undefined;
  return {
    /** Another one, as in a second Worker. */
    open,
    post: (posting: Posting, caller?: PostingCaller): Promise<PostingResult> =>
      (first ??= open()).post(posting, caller),
    /** What a dry run of a replay makes of it. */
    rehearse: (posting: Posting): Promise<PostingResult> => rehearse(() => (first ??= open()).post(posting)),
    account: (given: { balance?: string; dailyBudget?: string } = {}) => makeAccount(database, given),
    balanceOf: async ({ advertiserId }: Account): Promise<string | undefined> => {
      const rows = await database.query<{ balance: string }>('select balance::text from advertisers where id = $1', [
        advertiserId.toString(),
      ]);
      return rows[0]?.balance;
    },
    historyOf: ({ advertiserId }: Account) =>
      database.query<{ type: string; amount: string; balance_after: string; campaign_id: string | null }>(
        `select type, amount::text, balance_after::text, campaign_id::text, idempotency_key
         from ad_balance_histories where advertiser_id = $1 order by id`,
        [advertiserId.toString()],
      ),
    daysOf: ({ campaignId }: Account) =>
      database.query(
        `select day::text, spent::text, clicks::int, refunded::text from daily_spend where campaign_id = $1 order by day`,
        [campaignId.toString()],
      ),
  };
}

export async function expectBooksToBalance(database: TestDatabase): Promise<void> {
  const lines: string[] = [];
  const exitCode = await reconcile({
    databaseUrl: database.workerUrl,
    json: false,
    write: (line) => lines.push(line),
  });
  expect(exitCode, lines.join('\n')).toBe(0);
}

async function makeAccount(
  database: TestDatabase,
  { balance = '100', dailyBudget }: { balance?: string; dailyBudget?: string },
): Promise<Account> {
  const account = { advertiserId: uniqueId(), campaignId: uniqueId() };
  await database.query('insert into advertisers (id, name, balance, opening_balance) values ($1, $2, $3, $3)', [
    account.advertiserId.toString(),
    'an advertiser',
    balance,
  ]);
  await addCampaign(database, account, dailyBudget);
  return account;
}

export async function addCampaign(database: TestDatabase, account: Account, dailyBudget?: string): Promise<void> {
  await database.query('insert into campaigns (id, advertiser_id, name, daily_budget) values ($1, $2, $3, $4)', [
    account.campaignId.toString(),
    account.advertiserId.toString(),
    'a campaign',
    dailyBudget ?? null,
  ]);
}
