import type { ClientBase } from 'pg';
import { fromMillionths, toMillionths } from '../ledger/millionths.js';
import { isAboveZero, readAmount } from '../platform/events/values.js';
import { CAUSES, CLICKS_OF_CAMPAIGNS } from './group-letters.sql.js';
import { conditionOf, type Selection } from './selection.js';

/** Dead letters that have topic, code and normalised message in common. */
export interface Cause {
  readonly topic: string;
  readonly code: string;
  readonly cause: string;
  readonly count: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  /** How many different ones they touch. */
  readonly advertisers: number;
  readonly campaigns: number;
  /** Money that was not charged (clicks) or not paid back (compensations), a decimal; null where none of it can be told. */
  readonly amount: string | null;
  /** How many of them that amount speaks of. */
  readonly pricedCount: number;
}

/** Prices in Redis of these campaigns, in their order; undefined where Redis has none or is away. */
export type CachedPrices = (campaignIds: readonly string[]) => Promise<readonly (string | null | undefined)[]>;

/** Clicks are priced by their campaign; everything else by the amount that it names itself. */
const CLICK_TOPIC = 'ad-events';
const PAGE = 1_000;

interface CauseRow extends Omit<Cause, 'amount' | 'pricedCount'> {
  readonly refunds: string | null;
  readonly refundCount: number;
}

interface CampaignRow extends Pick<Cause, 'topic' | 'code' | 'cause' | 'count'> {
  readonly campaignId: string;
  readonly cpc: string | null;
}

/** The causes of a selection, the most frequent first, as of one moment. */
export async function groupLetters(
  client: ClientBase,
  selection: Selection,
  cachedPrices: CachedPrices,
): Promise<Cause[]> {
  const { text, values } = conditionOf(selection, 2);
  await client.query('begin transaction isolation level repeatable read read only');
  try {
    const { rows } = await client.query<CauseRow>(CAUSES(text), [CLICK_TOPIC, ...values]);
    const clicks = new Map<string, Charge>();
    await client.query({
      text: `declare clicks no scroll cursor for ${CLICKS_OF_CAMPAIGNS(text)}`,
      values: [CLICK_TOPIC, ...values],
    });
    for (;;) {
      const { rows: page } = await client.query<CampaignRow>(`fetch ${PAGE} from clicks`);
      if (page.length === 0) break;
      await addPrices(clicks, page, cachedPrices);
    }
    return rows.map(({ refunds, refundCount, ...row }) => {
      const charge = row.topic === CLICK_TOPIC ? clicks.get(keyOf(row)) : undefined;
      if (charge !== undefined) return { ...row, amount: fromMillionths(charge.amount), pricedCount: charge.count };
      return { ...row, amount: refunds, pricedCount: refundCount };
    });
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

interface Charge {
  amount: bigint;
  count: number;
}

async function addPrices(
  clicks: Map<string, Charge>,
  page: readonly CampaignRow[],
  cachedPrices: CachedPrices,
): Promise<void> {
  const cached = await cachedPrices(page.map(({ campaignId }) => campaignId));
  for (const [i, row] of page.entries()) {
    const price = money(cached[i]) ?? money(row.cpc);
    if (price === undefined) continue;
    const charge = clicks.get(keyOf(row)) ?? { amount: 0n, count: 0 };
    charge.amount += toMillionths(price) * BigInt(row.count);
    charge.count += row.count;
    clicks.set(keyOf(row), charge);
  }
}

/** As a click would read it: what is not money above zero counts as absent. */
function money(text: string | null | undefined): string | undefined {
  const amount = readAmount(text);
  return amount !== undefined && isAboveZero(amount) ? amount : undefined;
}

const keyOf = ({ topic, code, cause }: Pick<Cause, 'topic' | 'code' | 'cause'>): string =>
  JSON.stringify([topic, code, cause]);
