import type { ClientBase } from 'pg';
import { AS_TEXT, parsePlainArray, plainArray, textArray } from './array-literal.js';
import type { PostGroupOptions, SettledPosting } from './post-group.sql.js';
import type { CampaignSpend, Deduction, Posting } from './posting.js';
import { storableMs } from './storable-ms.js';

/** What the function raises where a group is not plain: nothing of it is posted. */
export const NOT_PLAIN = 'CW001';

const TEXT = `
  select ids, balances, spend_day, spend_campaigns, spends, daily_budgets, campaign_statuses
  from ledger_charge_v1(
    $1::int, $2::text, $3::text,
    $4::text[], $5::bigint[], $6::bigint[], $7::numeric[], $8::text[], $9::text[], $10::int[], $11::bigint[],
    $12::bigint[], $13::bigint[])`;

/** Whether a group may be plain, as nearly every one is: clicks of one topic. */
export function mayBePlain(postings: readonly Posting[]): postings is readonly Deduction[] {
  const topic = postings[0]?.origin.topic;
  return postings.every((posting) => posting.type === 'DEDUCT' && posting.origin.topic === topic);
}

/**
 * Posts a plain group (new clicks of one topic and one budget day, each of an advertiser's own campaign) in one call and one
 * transaction, for three quarters of what `postGroup` takes. No key may be there twice.
 *
 * @throws the driver's error; then nothing is posted, unless the connection was lost or timed out: the keys cover that.
 *   `NOT_PLAIN`, or what Postgres refuses, is for `postGroup` to look into
 */
export async function chargeGroup(
  client: ClientBase,
  charges: readonly Deduction[],
  options: PostGroupOptions,
): Promise<SettledPosting[]> {
  const { rows } = await client.query<(string | null)[]>({
    name: 'ledger-charge-v1',
    text: TEXT,
    values: [options.lockWaitMs, options.budgetTimezone, charges[0]?.origin.topic, ...columnsOf(charges)],
    rowMode: 'array',
    types: AS_TEXT,
  });
  const answer = rows[0];
  if (answer === undefined) throw new Error('ledger_charge_v1 returned no row');
  return readAnswer(answer, charges);
}

function columnsOf(charges: readonly Deduction[]): string[] {
  return [
    textArray(charges.map((c) => c.idempotencyKey)),
    plainArray(charges.map((c) => c.advertiserId)),
    plainArray(charges.map((c) => c.campaignId)),
    plainArray(charges.map((c) => c.amount)),
    plainArray(charges.map((c) => c.priceSource)),
    textArray(charges.map((c) => c.eventId)),
    plainArray(charges.map((c) => c.origin.partition)),
    plainArray(charges.map((c) => c.origin.offset)),
    plainArray(charges.map((c) => storableMs(c.origin.timestamp))),
    plainArray(charges.map((c) => (c.occurredAt === undefined ? null : storableMs(c.occurredAt)))),
  ];
}

function readAnswer(answer: (string | null)[], charges: readonly Deduction[]): SettledPosting[] {
  const [idArray = null, balanceArray = null, day, ...spendArrays] = answer;
  const [ids, balances] = [parsePlainArray(idArray), parsePlainArray(balanceArray)];
  if (balances.length !== charges.length || typeof day !== 'string') {
    throw new Error(`ledger_charge_v1 answered ${balances.length} of ${charges.length} clicks`);
  }
  const spends = readSpends(day, spendArrays.map(parsePlainArray));
  return charges.map(({ campaignId }, place) => ({
    status: 'SETTLED',
    result: {
      historyId: BigInt(ids[place] ?? missing('id')),
      created: true,
      balanceAfter: balances[place] ?? missing('balance'),
      campaign: spends.get(campaignId) ?? missing('campaign'),
    },
  }));
}

function readSpends(
  day: string,
  [campaigns = [], spends = [], budgets = [], statuses = []]: (string | null)[][],
): Map<bigint, CampaignSpend> {
  return new Map(
    campaigns.map((id, i) => {
      const campaignId = BigInt(id ?? missing('campaign'));
      const [spent, dailyBudget, status] = [spends[i] ?? '0', budgets[i] ?? null, statuses[i] ?? ''];
      return [campaignId, { campaignId, day, spent, dailyBudget, status }];
    }),
  );
}

function missing(what: string): never {
  throw new Error(`ledger_charge_v1 charged a click without ${what}`);
}
