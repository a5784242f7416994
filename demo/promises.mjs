import { isDeepStrictEqual } from 'node:util';
import { millionths, readable } from './money.mjs';

/** What the demo says of the Worker is held against what it finds; a difference fails the demo. */
export class Promises {
  /** @type {string[]} */
  broken = [];
  kept = 0;
  /** How many clicks of each campaign have been sent. @type {Map<import('./campaigns.mjs').Campaign, number>} */
  #clicks = new Map();
  /** What each advertiser was paid back, in millionths. @type {Map<bigint, bigint>} */
  #refunds = new Map();

  /** @param {import('./traffic.mjs').Sent[]} records */
  sent(records) {
    for (const { charged: campaign } of records) {
      if (campaign) this.#clicks.set(campaign, (this.#clicks.get(campaign) ?? 0) + 1);
    }
  }

  /** @param {bigint} advertiserId @param {bigint} amount in millionths */
  refunded(advertiserId, amount) {
    this.#refunds.set(advertiserId, (this.#refunds.get(advertiserId) ?? 0n) + amount);
  }

  /**
   * Clicks that had failed for a price are charged by now.
   *
   * @param {import('./campaigns.mjs').Campaign} campaign @param {string} price @param {number} clicks
   */
  replayed(campaign, price, clicks) {
    campaign.database = price;
    this.#clicks.set(campaign, (this.#clicks.get(campaign) ?? 0) + clicks);
  }

  /** @template T @param {string} what @param {T} found @param {T} promised */
  check(what, found, promised) {
    if (isDeepStrictEqual(found, promised)) this.kept++;
    else this.broken.push(`${what}: promised ${JSON.stringify(promised)}, found ${JSON.stringify(found)}`);
  }

  /**
   * Every click sent so far is charged once, at the price of its source, and the balances follow from that and the refunds. Which source is the
   * Worker's to choose: where Redis misses its 25 ms, on a busy machine, the database has the price.
   *
   * @param {import('./ledger.mjs').Account[]} accounts
   */
  checkAccounts(accounts) {
    for (const { advertiser, balance, charges } of accounts) {
      let left = millionths(advertiser.opening) + (this.#refunds.get(advertiser.id) ?? 0n);
      for (const [campaign, sent] of this.#clicks) {
        if (campaign.advertiser !== advertiser) continue;
        const own = charges.filter((each) => each.campaign === campaign);
        this.check(`clicks charged to ${campaign.name}`, total(own, 'clicks'), sent);
        for (const { source, clicks, charged } of own) {
          const promised = BigInt(clicks) * millionths(campaign[source]);
          this.check(
            `${clicks} clicks of ${campaign.name}, price from ${source}`,
            readable(charged),
            readable(promised),
          );
          left -= promised;
        }
      }
      this.check(`balance of ${advertiser.name}`, readable(balance), readable(left));
    }
  }
}

/** @param {import('./ledger.mjs').Charges[]} charges @param {'clicks' | 'charged'} field */
export function total(charges, field) {
  return charges.reduce((sum, each) => sum + each[field], field === 'clicks' ? 0 : 0n);
}
