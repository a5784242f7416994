import type { ClientBase } from 'pg';
import {
  CLICK_TOPIC,
  ClickCharges,
  type CachedPrices,
  type CampaignClicks,
  type CauseKey,
  type Money,
} from './click-charges.js';
import { CAUSES, CLICKS_OF_CAMPAIGNS } from './group-letters.sql.js';
import { conditionOf, type Selection } from './selection.js';

/** Dead letters that have topic, code and normalised message in common. */
export interface Cause extends CauseKey, Money {
  readonly count: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  /** How many different ones they touch. */
  readonly advertisers: number;
  readonly campaigns: number;
}

const PAGE = 1_000;

interface CauseRow extends Omit<Cause, keyof Money> {
  readonly refunds: string | null;
  readonly refundCount: number;
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
    const charges = new ClickCharges(cachedPrices);
    await client.query({
      text: `declare clicks no scroll cursor for ${CLICKS_OF_CAMPAIGNS(text)}`,
      values: [CLICK_TOPIC, ...values],
    });
    for (;;) {
      const { rows: page } = await client.query<CampaignClicks>(`fetch ${PAGE} from clicks`);
      if (page.length === 0) break;
      await charges.add(page);
    }
    return rows.map(({ refunds, refundCount, ...row }) => ({
      ...row,
      ...(row.topic === CLICK_TOPIC ? charges.of(row) : { amount: refunds, pricedCount: refundCount }),
    }));
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}
