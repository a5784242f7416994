import { toMillionths } from '../ledger/millionths.js';
import type { CampaignSpend } from '../ledger/posting.js';
import { readBudget } from './budget-decision.js';

/**
 * How much of each charge went above its day's budget. The charges of a group share what their campaign has spent after all
 * of them; together they count no more than that is above the budget.
 */
export class Overspend {
  /** What of a group's overspend no charge of it has been counted for yet. */
  private readonly uncounted = new WeakMap<CampaignSpend, bigint>();

  /** The part of a new charge above the budget, in millionths. */
  of(campaign: CampaignSpend, amount: string): bigint {
    const total = this.uncounted.get(campaign) ?? above(campaign);
    if (total <= 0n) return 0n;
    const charged = toMillionths(amount);
    const over = charged < total ? charged : total;
    this.uncounted.set(campaign, total - over);
    return over;
  }
}

function above({ spent, dailyBudget }: CampaignSpend): bigint {
  const budget = readBudget(dailyBudget);
  return budget === null ? 0n : toMillionths(spent) - budget;
}
