import { toMillionths } from '../ledger/millionths.js';
import type { NewAlert } from '../alerts/alert-publisher.js';
import { readAmount } from '../platform/events/values.js';

/** A status change that nobody has announced yet, and its campaign as it is now. */
export interface UnannouncedTransition {
  readonly id: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly campaignName: string;
  readonly toStatus: string;
  readonly reason: string | null;
  readonly at: Date;
  /** The figures of that moment, as far as whoever wrote the row has said them. */
  readonly details: BudgetDetails | null;
}

interface BudgetDetails {
  /** Decimals; a budget of null is unlimited. */
  readonly spent: string | null;
  readonly budget: string | null;
  readonly source: string | null;
  readonly day: string | null;
  /** Of the click that a pause follows from. */
  readonly traceparent?: unknown;
}

/** What is said of it. Its id is the row's: whoever announces it again says the same. */
export function transitionAlert(transition: UnannouncedTransition): NewAlert {
  const { id, campaignId, advertiserId, campaignName, toStatus, reason, at, details } = transition;
  const isPause = toStatus === 'PAUSED';
  const { spent = null, budget = null, source = null, day = null } = details ?? {};
  return {
    alertId: `campaign-${isPause ? 'paused' : 'resumed'}:${id}`,
    type: isPause ? 'CAMPAIGN_PAUSED' : 'CAMPAIGN_RESUMED',
    severity: isPause ? 'critical' : 'info',
    occurredAt: at.toISOString(),
    subject: { campaignId, advertiserId },
    message: isPause
      ? `campaign ${campaignId} (${campaignName}) is paused: ${pauseWords(reason, spent, budget)}`
      : `campaign ${campaignId} (${campaignName}) runs again: ${RESUME_WORDS[reason ?? ''] ?? reason ?? 'resumed'}`,
    details: { spent, budget, usageRate: usageRate(spent, budget), source, day, reason },
  };
}

const RESUME_WORDS: Readonly<Record<string, string>> = {
  DAY_STARTED: 'a new budget day has begun',
  BUDGET_RAISED: 'its daily budget was raised',
};

function pauseWords(reason: string | null, spent: unknown, budget: unknown): string {
  if (reason !== 'BUDGET_EXHAUSTED') return reason ?? 'no reason given';
  const [part, whole] = [readAmount(spent), readAmount(budget)];
  if (part === undefined || whole === undefined) return 'its daily budget is used up';
  return `it has spent ${part} of its daily budget of ${whole}`;
}

/** The share of the budget that is spent, to four places: 0.9000 is 90 %. Null where there is no budget to speak of. */
export function usageRate(spent: unknown, budget: unknown): number | null {
  // Whoever writes rows by hand may write anything: nothing in one row may hold up the announcing of the others.
  const [part, whole] = [readAmount(spent), readAmount(budget)];
  if (part === undefined || whole === undefined || toMillionths(whole) <= 0n) return null;
  return Number((toMillionths(part) * 10_000n) / toMillionths(whole)) / 10_000;
}
