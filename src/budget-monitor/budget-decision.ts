import { toMillionths } from '../ledger/millionths.js';

/** What follows from a charge for its campaign. */
type BudgetVerdict = 'fine' | 'warn' | 'exhausted';

export interface BudgetState {
  /** What the ledger says that the campaign has spent today, net of refunds, in millionths. */
  readonly ledger: bigint;
  /** What Redis says, in millionths; null where it says nothing, or nothing that counts (see `counterCounts`). */
  readonly counter: bigint | null;
  /** In millionths; null is unlimited, zero is exhausted by the first click. */
  readonly budget: bigint | null;
  readonly status: string;
}

export interface BudgetDecision {
  readonly verdict: BudgetVerdict;
  /** The greater of the two, in millionths, and whose it is. */
  readonly spent: bigint;
  readonly source: 'redis' | 'ledger';
}

/** From here on the advertiser is warned: 90 %. */
const WARN_AT = { share: 9n, of: 10n };

/** What to do after a charge, from nothing but its figures. A campaign that does not run any more needs nothing. */
export function decideBudget({ ledger, counter, budget, status }: BudgetState): BudgetDecision {
  const isCounter = counter !== null && counter > ledger;
  const spent = isCounter ? counter : ledger;
  return { verdict: verdictOf(spent, budget, status), spent, source: isCounter ? 'redis' : 'ledger' };
}

function verdictOf(spent: bigint, budget: bigint | null, status: string): BudgetVerdict {
  if (budget === null || status !== 'ACTIVE') return 'fine';
  if (spent >= budget) return 'exhausted';
  return spent * WARN_AT.of >= budget * WARN_AT.share ? 'warn' : 'fine';
}

/** Below four fifths of a budget no rounding of a float matters: neither 90 % nor the budget itself can be reached. */
const FAR_BELOW = 0.8;

/**
 * Whether a charge is surely `fine` and within its budget, as nearly every one is; told from the texts at a fraction of what the
 * exact figures cost. A counter that is no plain decimal counts as absent there, and at the most as a reason to look here.
 */
export function isFarBelowBudget(spent: string, counter: string | null | undefined, budget: string | null): boolean {
  if (budget === null) return true;
  const far = FAR_BELOW * Number(budget);
  return Number(spent) < far && !(Number(counter ?? 0) >= far);
}

export interface CounterFacts {
  /** What Redis says now, in millionths. */
  readonly counter: bigint;
  /** The day is younger than `BUDGET_RESET_GRACE_MINUTES`. */
  readonly isGrace: boolean;
  /** The last counter that was seen yesterday; null where none was. */
  readonly lastYesterday: bigint | null;
  /** A lower one than that was seen today. */
  readonly isReset: boolean;
}

/**
 * Whether Redis's counter may be believed: Flink begins it anew at some moment after the day has begun, and until then it is
 * yesterday's.
 */
export function counterCounts({ counter, isGrace, lastYesterday, isReset }: CounterFacts): boolean {
  if (isGrace) return false;
  return isReset || lastYesterday === null || counter < lastYesterday;
}

/** A budget in millionths; null is unlimited, as is `NaN`, which Postgres holds to be above every number. */
export function readBudget(dailyBudget: string | null): bigint | null {
  return dailyBudget === null || dailyBudget === 'NaN' ? null : toMillionths(dailyBudget);
}

const PLAIN_NON_NEGATIVE = /^(\d{1,40})(?:\.(\d{1,40}))?$/;
const PLACES = 6;

/** What the columns for money can keep. */
const MOST = 10n ** 20n - 1n;

/** A counter in millionths, cut off below and at what the database can keep; null where it is not a plain decimal of zero or more, and so counts as absent. */
export function readCounter(text: string | null | undefined): bigint | null {
  if (text === null || text === undefined) return null;
  const [, whole, fraction = ''] = PLAIN_NON_NEGATIVE.exec(text) ?? [];
  if (whole === undefined) return null;
  const counter = BigInt(whole + fraction.slice(0, PLACES).padEnd(PLACES, '0'));
  return counter > MOST ? MOST : counter;
}
