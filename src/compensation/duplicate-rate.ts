import type { NewAlert } from '../alerts/alert-publisher.js';
import type { PostingCount } from '../ledger/posting-counts.js';

/** Of fewer clicks a handful of duplicates is chance. */
const LEAST_CLICKS = 100;
const HOUR_MS = 60 * 60 * 1_000;
/** Thresholds have at most four decimal places; in whole ten-thousandths no float decides. */
const PARTS_OF_A_PERCENT = 10_000;

/** Refunds to clicks; 0 where there are no clicks. */
export function duplicateRatio({ clicks, refunds }: PostingCount): number {
  return clicks === 0 ? 0 : refunds / clicks;
}

/** Whether refunds are more than `percent` of the clicks, of which there must be 100. */
export function isTooHigh({ clicks, refunds }: PostingCount, percent: number): boolean {
  const parts = Math.round(percent * PARTS_OF_A_PERCENT);
  return clicks >= LEAST_CLICKS && refunds * 100 * PARTS_OF_A_PERCENT > clicks * parts;
}

/** One for each hour of the day: its id says so, over all replicas and restarts. */
export function duplicateRateAlert(count: PostingCount, percent: number, now: number): NewAlert {
  const { clicks, refunds } = count;
  const ratio = Math.round(duplicateRatio(count) * 1_000_000) / 1_000_000;
  const hour = new Date(now - (now % HOUR_MS)).toISOString().slice(0, 13);
  return {
    alertId: `duplicate-click-rate:${hour}`,
    type: 'DUPLICATE_CLICK_RATE',
    severity: 'warning',
    subject: {},
    message: `${refunds} refunds of duplicates to ${clicks} clicks in the last hour: ${readable(ratio * 100)} %, above ${percent} %`,
    details: { refunds, clicks, ratio, thresholdPercent: percent },
  };
}

/** As many digits as a person needs, and never so few that it looks like the threshold itself. */
function readable(percent: number): string {
  return String(Number(percent.toFixed(percent < 100 ? 2 : 0)));
}
