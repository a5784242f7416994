/** What operators set of the budget rules. */
export interface BudgetOptions {
  /** How long after a day has begun the ledger decides alone. */
  readonly graceMs: number;
}

export const BUDGET_OPTIONS = Symbol('BUDGET_OPTIONS');
