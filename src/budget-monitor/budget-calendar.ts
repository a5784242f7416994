/** A budget day: its date, and the moments (in milliseconds) from which and until which it lasts. */
export interface BudgetDay {
  /** `yyyy-MM-dd`. */
  readonly date: string;
  readonly startsAt: number;
  /** The first moment of the next day. */
  readonly endsAt: number;
}

/** Longer than any day lasts, with its daylight saving. */
const LONGER_THAN_A_DAY_MS = 36 * 60 * 60 * 1_000;
const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * The days of the budget zone. They have 23, 24 or 25 hours, and one that begins with daylight saving may begin at one
 * o'clock: so their bounds are looked for by date, never computed by hours.
 */
export class BudgetCalendar {
  private readonly format: Intl.DateTimeFormat;
  private last: BudgetDay | undefined;

  constructor(readonly timezone: string) {
    this.format = new Intl.DateTimeFormat('en-CA', {
      timeZone: timezone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
  }

  /** The day of a moment. Asking for the same day again costs nothing. */
  dayAt(ms: number): BudgetDay {
    const { last } = this;
    if (last !== undefined && ms >= last.startsAt && ms < last.endsAt) return last;
    const date = this.dateAt(ms);
    const startsAt = this.firstMoment(ms - LONGER_THAN_A_DAY_MS, ms, (other) => other >= date);
    const endsAt = this.firstMoment(ms, ms + LONGER_THAN_A_DAY_MS, (other) => other > date);
    this.last = { date, startsAt, endsAt };
    return this.last;
  }

  private dateAt(ms: number): string {
    return this.format.format(ms);
  }

  /** The first moment after `before`, until `after` where it is true, whose date is `isReached`. */
  private firstMoment(before: number, after: number, isReached: (date: string) => boolean): number {
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (isReached(this.dateAt(middle))) after = middle;
      else before = middle;
    }
    return after;
  }
}

/** The date before a date, as `yyyy-MM-dd`. */
export function dayBefore(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - DAY_MS).toISOString().slice(0, 10);
}
