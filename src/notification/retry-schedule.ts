import { storableText } from '../platform/database/storable-text.js';
import { DeliveryError } from './delivery-error.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** So far a pause may be off, so that what failed together does not come back together. */
const JITTER = 0.2;
/** From when a delivery was stored; what does not get through in a day is news no more. */
export const GIVE_UP_AFTER_MS = 24 * 60 * 60 * 1_000;

/** Of `last_error`. */
const LONGEST_ERROR_CHARS = 500;

/** How an attempt ended, for every delivery that went out in it. Times are milliseconds since the epoch. */
export type Verdict =
  | { readonly status: 'DELIVERED' }
  | { readonly status: 'FAILED'; readonly error: string }
  /** Those that were stored at `giveUpBefore` or earlier have had their day, and fail. */
  | {
      readonly status: 'PENDING';
      readonly error: string;
      readonly retryAt: number;
      readonly giveUpBefore: number;
      /** Nothing goes out through the channel until then, because the other side said so. */
      readonly pauseUntil: number | undefined;
    };

/**
 * What follows from an attempt that failed.
 *
 * @param attempts how many there were with this one
 * @param random from 0 up to 1
 */
export function verdictOn(error: unknown, attempts: number, now: number, random: number): Verdict {
  const failure =
    error instanceof DeliveryError
      ? error
      : // A bug of the channel: its next version may deliver.
        DeliveryError.transient(error instanceof Error ? `${error.name} in the channel` : 'an error in the channel');
  const reason = storableText(failure.message, LONGEST_ERROR_CHARS);
  if (failure.isPermanent) return { status: 'FAILED', error: reason };
  const pauseUntil = failure.retryAfterMs === undefined ? undefined : now + failure.retryAfterMs;
  return {
    status: 'PENDING',
    error: reason,
    retryAt: Math.max(now + pauseMs(attempts, random), pauseUntil ?? 0),
    giveUpBefore: now - GIVE_UP_AFTER_MS,
    pauseUntil,
  };
}

/** Doubles from one second to five minutes. */
export function pauseMs(attempts: number, random: number): number {
  const whole = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 30), LONGEST_PAUSE_MS);
  return Math.round(whole * (1 - JITTER + 2 * JITTER * random));
}
