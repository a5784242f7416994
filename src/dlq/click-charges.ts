import { fromMillionths, toMillionths } from '../ledger/millionths.js';
import { isAboveZero, readAmount } from '../platform/events/values.js';

/** Clicks are priced by their campaign; everything else by the amount that it names itself. */
export const CLICK_TOPIC = 'ad-events';

/** Topic, code and normalised message: dead letters that are mended together. */
export interface CauseKey {
  readonly topic: string;
  readonly code: string;
  readonly cause: string;
}

export interface Money {
  /** Money that was not charged (clicks) or not paid back (compensations), a decimal; null where none of it can be told. */
  readonly amount: string | null;
  /** How many of them that amount speaks of. */
  readonly pricedCount: number;
}

/** Prices in Redis of these campaigns, in their order; undefined where Redis has none or is away. */
export type CachedPrices = (campaignIds: readonly string[]) => Promise<readonly (string | null | undefined)[]>;

/** Dead clicks of a campaign, and what the database has for its price. */
export interface CampaignClicks extends CauseKey {
  readonly campaignId: string;
  readonly count: number;
  readonly cpc: string | null;
}

/** What dead clicks would be charged now, by cause: Redis has the price, else the database, as for a click that comes now. */
export class ClickCharges {
  private readonly charges = new Map<string, { amount: bigint; count: number }>();

  constructor(private readonly cachedPrices: CachedPrices) {}

  async add(page: readonly CampaignClicks[]): Promise<void> {
    const cached = await this.cachedPrices(page.map(({ campaignId }) => campaignId));
    for (const [i, row] of page.entries()) {
      const price = priceIn(cached[i]) ?? priceIn(row.cpc);
      if (price === undefined) continue;
      const charge = this.charges.get(keyOf(row)) ?? { amount: 0n, count: 0 };
      charge.amount += toMillionths(price) * BigInt(row.count);
      charge.count += row.count;
      this.charges.set(keyOf(row), charge);
    }
  }

  of(cause: CauseKey): Money {
    const charge = this.charges.get(keyOf(cause));
    return { amount: charge === undefined ? null : fromMillionths(charge.amount), pricedCount: charge?.count ?? 0 };
  }
}

/** As a click would read it: what is not money above zero counts as absent. */
function priceIn(text: string | null | undefined): string | undefined {
  const amount = readAmount(text);
  return amount !== undefined && isAboveZero(amount) ? amount : undefined;
}

export const keyOf = ({ topic, code, cause }: CauseKey): string => JSON.stringify([topic, code, cause]);
