import type { NewAlert } from '../alerts/alert-publisher.js';
import { usageRate } from '../campaigns/transition-alert.js';
import { fromMillionths } from '../ledger/millionths.js';
import { readAmount } from '../platform/events/values.js';
import type { CampaignSpend } from '../ledger/posting.js';
import type { BudgetDecision } from './budget-decision.js';

/** One for each campaign and day: its id says so, over all replicas and restarts. */
export function budgetWarning(
  advertiserId: bigint,
  { campaignId, day, dailyBudget }: CampaignSpend,
  decision: BudgetDecision,
): NewAlert {
  const spent = fromMillionths(decision.spent);
  const rate = usageRate(spent, dailyBudget);
  return {
    alertId: `budget-warning:${campaignId}:${day}`,
    type: 'BUDGET_WARNING',
    severity: 'warning',
    subject: { campaignId: campaignId.toString(), advertiserId: advertiserId.toString() },
    message: `campaign ${campaignId} has spent ${readAmount(spent) ?? spent} of its daily budget of ${readAmount(dailyBudget) ?? 'none'}`,
    details: { spent, budget: dailyBudget, usageRate: rate, source: decision.source, day },
  };
}
