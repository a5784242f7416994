import { toMillionths } from '../ledger/millionths.js';
import type { CampaignSpend } from '../ledger/posting.js';

/**
 * How much of each charge went above its day's budget. The charges of a group share what their campaign has spent after all
 * of them; together they count no more than that is above the budget.
 */
export class Overspend {
  /** What of a group's overspend no charge of it has been counted for yet. */
  private readonly uncounted = new WeakMap<CampaignSpend, bigint>();

  /**
   * The part of a new charge above the budget, in millionths.
   *
   * @param group the very object that the charges of a group share
   * @param above what the group is above the budget, in millionths; zero or less within it
   * @param amount what the charge took, a decimal
   */
  of(group: CampaignSpend, above: bigint, amount: string): bigint {
    const total = this.uncounted.get(group) ?? above;
    if (total <= 0n) return 0n;
    const charged = toMillionths(amount);
    const over = charged < total ? charged : total;
    this.uncounted.set(group, total - over);
    return over;
  }
}
