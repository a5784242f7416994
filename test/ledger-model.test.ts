import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Posting } from '../src/ledger/posting.js';
import { PoisonError } from '../src/platform/failure.js';
import { useDatabase } from './support/database.js';
import { aClick, aRefund, NOON_MS, uniqueId, useLedger, type Account } from './support/ledger.js';

const database = useDatabase();
const ledger = useLedger(database);

const RUNS = 40;

/** What one posting is made of; a small choice of records and accounts, so that they meet again and again. */
const step = fc.record({
  kind: fc.constantFrom('click', 'click', 'click', 'refund', 'refund without id'),
  record: fc.integer({ min: 0, max: 12 }),
  account: fc.integer({ min: 0, max: 2 }),
  campaignOf: fc.constantFrom('own', 'own', 'own', 'own', 'foreign', 'unknown'),
  millionths: fc.constantFrom(1n, 250_000n, 999_999n, 1_000_000n, 12_345_678_901_234n),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The ledger as a few lines of arithmetic: what must come of a posting when they come one after the other. */
class Model {
  private readonly posted = new Map<string, { advertiser: bigint; type: string; amount: bigint }>();
  readonly balances = new Map<bigint, bigint>();
  readonly spent = new Map<bigint, bigint>();

  constructor(private readonly accounts: readonly Account[]) {}

  /** `created`, `repeated`, or the code of the refusal. */
  post(posting: Posting): string {
    const amount = BigInt(posting.amount.replace('.', ''));
    const before = this.posted.get(posting.idempotencyKey);
    if (before !== undefined) {
      const same = before.advertiser === posting.advertiserId && before.type === posting.type;
      return same && (before.amount === amount || posting.type === 'DEDUCT') ? 'repeated' : 'IDEMPOTENCY_CONFLICT';
    }
    const campaignId = posting.type === 'DEDUCT' ? posting.campaignId : posting.duplicateClick.campaignId;
    const owner = this.accounts.find((account) => account.campaignId === campaignId)?.advertiserId;
    if (posting.type === 'DEDUCT' && owner === undefined) return 'UNKNOWN_CAMPAIGN';
    if (posting.type === 'DEDUCT' && owner !== posting.advertiserId) return 'CAMPAIGN_ADVERTISER_MISMATCH';
    this.posted.set(posting.idempotencyKey, { advertiser: posting.advertiserId, type: posting.type, amount });
    const signed = posting.type === 'DEDUCT' ? -amount : amount;
    add(this.balances, posting.advertiserId, signed);
    if (campaignId !== undefined && owner === posting.advertiserId) add(this.spent, campaignId, -signed);
    return 'created';
  }
}

describe('groups of postings', () => {
  it('come to what the same postings come to one by one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 30 }), { maxLength: 6 }), async (groups) => {
        const accounts = await Promise.all([0, 1, 2].map(() => ledger.account({ balance: '0' })));
        const run = uniqueId();
        const model = new Model(accounts);
        for (const group of groups) {
          const postings = onePerRecordAndAdvertiser(group.map((given) => postingOf(given, accounts, run)));

          const outcomes = await Promise.all(postings.map(outcomeOf));

          expect(outcomes).toEqual(postings.map((posting) => model.post(posting)));
        }
        for (const account of accounts) {
          expect(await ledger.balanceOf(account)).toBe(decimal(model.balances.get(account.advertiserId) ?? 0n));
          const [day] = (await ledger.daysOf(account)) as { spent: string; refunded: string }[];
          const net = day === undefined ? 0n : millionths(day.spent) - millionths(day.refunded);
          expect(net).toBe(model.spent.get(account.campaignId) ?? 0n);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

function postingOf(
  { kind, record, account, campaignOf, millionths: amount }: Step,
  accounts: Account[],
  run: bigint,
): Posting {
  const own = accounts[account] as Account;
  const campaignId =
    campaignOf === 'own'
      ? own.campaignId
      : campaignOf === 'foreign'
        ? (accounts[(account + 1) % 3] as Account).campaignId
        : 1n;
  const origin = { topic: 'ad-events', partition: 0, offset: BigInt(record), timestamp: NOON_MS };
  const given = { origin, amount: decimal(amount) };
  if (kind === 'click') return aClick({ ...own, campaignId }, { ...given, idempotencyKey: `record:${run}:${record}` });
  if (kind === 'refund') return aRefund({ ...own, campaignId }, { ...given, compensationId: `${run}-${record}` });
  return {
    ...aRefund({ ...own, campaignId }, given),
    idempotencyKey: `record:${run}:${record}`,
    duplicateClick: { campaignId },
  };
}

/** Within a group, advertisers run beside each other: which of two comes first with the same record is nobody's promise. */
function onePerRecordAndAdvertiser(postings: Posting[]): Posting[] {
  const advertiserOf = new Map<string, bigint>();
  return postings.filter(({ idempotencyKey, advertiserId }) => {
    const first = advertiserOf.get(idempotencyKey) ?? advertiserId;
    advertiserOf.set(idempotencyKey, first);
    return first === advertiserId;
  });
}

async function outcomeOf(posting: Posting): Promise<string> {
  try {
    return (await ledger.post(posting)).created ? 'created' : 'repeated';
  } catch (error) {
    if (error instanceof PoisonError) return error.code;
    throw error;
  }
}

function add(sums: Map<bigint, bigint>, key: bigint, amount: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + amount);
}

function decimal(amount: bigint): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(7, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

function millionths(text: string): bigint {
  return BigInt(text.replace('.', ''));
}
