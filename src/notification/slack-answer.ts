import { DeliveryError } from './delivery-error.js';

/** Nobody asks for more; what does is a fault of the other side. */
const LONGEST_RETRY_AFTER_MS = 24 * 60 * 60 * 1_000;
const TOO_MANY_REQUESTS = 429;

export interface WebhookAnswer {
  readonly status: number;
  /** The first of it: Slack says in a word what was wrong. */
  readonly body: string;
  readonly retryAfter: string | null;
  /** The other side's own clock. */
  readonly date: string | null;
}

/**
 * What an answer of an incoming webhook means; undefined: the message was accepted. 4xx is for ever (the payload, the
 * channel or the webhook is not what it should be), but for 429; everything else passes.
 */
export function slackFailure(
  { status, body, retryAfter, date }: WebhookAnswer,
  now: number,
): DeliveryError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const said = `HTTP ${status}${body === '' ? '' : ` ${body}`}`;
  if (status >= 400 && status < 500 && status !== TOO_MANY_REQUESTS) return DeliveryError.permanent(said);
  return DeliveryError.transient(said, retryAfterMs(retryAfter, date, now));
}

/**
 * `Retry-After` (RFC 9110, 10.2.3) in milliseconds: seconds, or a date, which is held against the sender's own clock where
 * it says what that shows.
 */
export function retryAfterMs(header: string | null, date: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - clockOf(date, now);
  return Number.isNaN(ms) || ms <= 0 ? undefined : Math.min(ms, LONGEST_RETRY_AFTER_MS);
}

function clockOf(date: string | null, now: number): number {
  const theirs = Date.parse(date ?? '');
  return Number.isNaN(theirs) ? now : theirs;
}
