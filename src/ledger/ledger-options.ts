export interface LedgerOptions {
  /** A login that is a member of `worker`. */
  readonly databaseUrl: string;
  /** An IANA name; it decides the budget day of a posting. */
  readonly budgetTimezone: string;
  /** Connections that post; see `DEFAULT_LANES`. */
  readonly lanes?: number;
}

export const LEDGER_OPTIONS = Symbol('LEDGER_OPTIONS');

/** On two cores three lanes keep Postgres busy; each further one only adds waiting. */
export const DEFAULT_LANES = 3;
