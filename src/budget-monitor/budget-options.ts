/** What operators set of the budget rules. */
export interface BudgetOptions {
  /** IANA name of the zone in which a budget day begins. */
  readonly timezone: string;
  /** How long after a day has begun the ledger decides alone. */
  readonly graceMs: number;
}

export const BUDGET_OPTIONS = Symbol('BUDGET_OPTIONS');
