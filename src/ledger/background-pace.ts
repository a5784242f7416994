/** Without a live posting for so long, the lanes belong to the background. */
const QUIET_MS = 1_000;
/** Some 10 ms of work: what a live posting may find before it in a quiet lane. */
const ALONE = 200;
/** A few milliseconds of work: what it may find before it, or beside it, where others came lately. */
const BESIDE_LIVE = 25;
/** After a call with background postings the lanes leave Postgres to the live ones for so many times as long. */
const REST_FACTOR = 5;
const LONGEST_REST_MS = 100;

/**
 * How many background postings the next call of any lane may take besides the tenth that they always get: so many that a backlog is
 * worked off fast while nobody is in a hurry, and so few that a live posting neither waits for them nor for a core.
 * All times are milliseconds of one clock.
 */
export class BackgroundPace {
  private liveAt = -Infinity;
  private restsUntil = -Infinity;

  sawLive(now: number): void {
    this.liveAt = now;
  }

  isQuiet(now: number): boolean {
    return now - this.liveAt >= QUIET_MS;
  }

  most(now: number): number {
    if (this.isQuiet(now)) return ALONE;
    return now < this.restsUntil ? 0 : BESIDE_LIVE;
  }

  /** How long there is nothing to do where background postings wait alone. */
  restMs(now: number): number {
    return this.most(now) > 0 ? 0 : Math.min(this.restsUntil - now, this.liveAt + QUIET_MS - now);
  }

  /** A call that took background postings has ended. */
  took(from: number, to: number): void {
    this.restsUntil = to + Math.min((to - from) * REST_FACTOR, LONGEST_REST_MS);
  }
}
