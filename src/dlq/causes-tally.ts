import type { ClientBase } from 'pg';
import { fromMillionths, toMillionths } from '../ledger/millionths.js';
import {
  CLICK_TOPIC,
  ClickCharges,
  keyOf,
  type CachedPrices,
  type CampaignClicks,
  type CauseKey,
  type Money,
} from './click-charges.js';
import type { LetterLine } from './letter-row.js';

/** What of a letter its cause and its money are told by. */
export type TalliedLetter = Pick<LetterLine, keyof CauseKey | 'campaignId' | 'refundAmount'>;

/** How many letters of a cause something was done about, and the money that they are about, as `groupLetters` tells it. */
export interface TalliedCause extends CauseKey, Money {
  readonly count: number;
}

interface Tally extends CauseKey {
  count: number;
  refunds: bigint;
  refundCount: number;
  /** Clicks by campaign. */
  readonly clicks: Map<string, number>;
}

const PAGE = 1_000;

/** Counts letters by cause, one page of them after another: memory goes with causes and campaigns, not with letters. */
export class CausesTally {
  private readonly tallies = new Map<string, Tally>();

  add(letters: readonly TalliedLetter[]): void {
    for (const letter of letters) {
      const tally = this.tallyOf(letter);
      tally.count++;
      if (letter.topic === CLICK_TOPIC) {
        const { campaignId } = letter;
        if (campaignId !== null) tally.clicks.set(campaignId, (tally.clicks.get(campaignId) ?? 0) + 1);
      } else if (letter.refundAmount !== null) {
        tally.refunds += toMillionths(letter.refundAmount);
        tally.refundCount++;
      }
    }
  }

  /** The most frequent first. */
  async causes(client: ClientBase, cachedPrices: CachedPrices): Promise<TalliedCause[]> {
    const charges = new ClickCharges(cachedPrices);
    const clicks = [...this.tallies.values()].flatMap(({ topic, code, cause, clicks: ofCampaigns }) =>
      [...ofCampaigns].map(([campaignId, count]) => ({ topic, code, cause, campaignId, count })),
    );
    for (let at = 0; at < clicks.length; at += PAGE) {
      await charges.add(await withDatabasePrices(client, clicks.slice(at, at + PAGE)));
    }
    return [...this.tallies.values()]
      .map(({ topic, code, cause, count, refunds, refundCount }) => ({
        ...{ topic, code, cause, count },
        ...(topic === CLICK_TOPIC
          ? charges.of({ topic, code, cause })
          : { amount: refundCount === 0 ? null : fromMillionths(refunds), pricedCount: refundCount }),
      }))
      .sort((a, b) => b.count - a.count);
  }

  private tallyOf(letter: CauseKey): Tally {
    const known = this.tallies.get(keyOf(letter));
    if (known !== undefined) return known;
    const { topic, code, cause } = letter;
    const tally = { topic, code, cause, count: 0, refunds: 0n, refundCount: 0, clicks: new Map<string, number>() };
    this.tallies.set(keyOf(letter), tally);
    return tally;
  }
}

/** Those of campaigns that there are: a letter that names another one has no price. */
async function withDatabasePrices(
  client: ClientBase,
  clicks: readonly Omit<CampaignClicks, 'cpc'>[],
): Promise<CampaignClicks[]> {
  const { rows } = await client.query<{ id: string; cpc: string | null }>(
    'select id::text, cpc::text from campaigns where id = any ($1::bigint[])',
    [clicks.map(({ campaignId }) => campaignId)],
  );
  const prices = new Map(rows.map(({ id, cpc }) => [id, cpc]));
  return clicks.flatMap((each) => {
    const cpc = prices.get(each.campaignId);
    return cpc === undefined ? [] : [{ ...each, cpc }];
  });
}
