import { PoisonError, type PoisonCode } from '../platform/failure.js';
import { fromMillionths, toMillionths } from './millionths.js';
import type { Posting } from './posting.js';

/** Above this, a key would not fit its index; no key of ours comes near it. */
const LONGEST_KEY = 1_000;
/** As long as a `compensationId` may be, with room for those that count bytes. */
const LONGEST_COMPENSATION_ID = 800;
const HIGHEST_ID = 2n ** 63n - 1n;
const AMOUNT = /^\d{1,14}(\.\d{1,6})?$/;

/** `numeric(20, 6)` holds less than this, in millionths. */
const TOO_MUCH = 10n ** 20n;

/** A posting that was made before under the same key or of the same compensation. */
export interface StoredPosting {
  readonly type: Posting['type'];
  readonly amount: string;
  readonly advertiserId: string;
}

/**
 * Says in words why the ledger refused a posting.
 *
 * @param stored what it conflicts with, where it does
 */
export function refusal(code: PoisonCode, posting: Posting | undefined, stored?: StoredPosting): PoisonError {
  return new PoisonError(code, posting === undefined ? code : wordsFor(code, posting, stored));
}

/**
 * A posting after which a sum would be too large for the books.
 *
 * @param balance its advertiser's, in millionths
 */
export function overflow(posting: Posting, balance: bigint): PoisonError {
  const advertiser = posting.advertiserId.toString();
  const amount = toMillionths(posting.amount);
  const after = balance + (posting.type === 'DEDUCT' ? -amount : amount);
  if (after >= TOO_MUCH || after <= -TOO_MUCH) {
    const limit = after > 0n ? 'below 10^14' : 'above -10^14';
    return invalid(`advertiserId ${advertiser}: its balance would be ${fromMillionths(after)}, and must stay ${limit}`);
  }
  // The balance alone does not explain it, by now.
  return invalid(`advertiserId ${advertiser}: its balance, or a day's sum of its campaign, would not stay below 10^14`);
}

/** Why a posting must not reach the database, where it would be rounded or stop the whole group; `INVALID_EVENT` or undefined. */
export function refusalBefore(posting: Posting): PoisonError | undefined {
  if (!AMOUNT.test(posting.amount) || /^[0.]*$/.test(posting.amount)) {
    return invalid(`amount "${shortened(posting.amount)}": must be above zero, below 10^14, with at most six places`);
  }
  if (posting.advertiserId <= 0n || posting.advertiserId > HIGHEST_ID) {
    return invalid(`advertiserId ${posting.advertiserId.toString()}: must be above zero and below 2^63`);
  }
  const campaignId = campaignOf(posting);
  if (campaignId !== undefined && (campaignId <= 0n || campaignId > HIGHEST_ID)) {
    return invalid(`campaignId ${campaignId.toString()}: must be above zero and below 2^63`);
  }
  if (posting.idempotencyKey.length > LONGEST_KEY) {
    return invalid(`idempotency key "${shortened(posting.idempotencyKey)}": is too long`);
  }
  const compensationId = posting.type === 'REFUND' ? posting.duplicateClick.compensationId : undefined;
  if (compensationId !== undefined && compensationId.length > LONGEST_COMPENSATION_ID) {
    return invalid(`compensationId "${shortened(compensationId)}": is too long`);
  }
  return undefined;
}

function wordsFor(code: PoisonCode, posting: Posting, stored: StoredPosting | undefined): string {
  const campaign = campaignOf(posting)?.toString() ?? 'none';
  const advertiser = posting.advertiserId.toString();
  switch (code) {
    case 'UNKNOWN_ADVERTISER':
      return `advertiserId ${advertiser}: there is no such advertiser`;
    case 'UNKNOWN_CAMPAIGN':
      return `campaignId ${campaign}: there is no such campaign`;
    case 'CAMPAIGN_ADVERTISER_MISMATCH':
      return `campaignId ${campaign}: does not belong to advertiser ${advertiser}`;
    case 'IDEMPOTENCY_CONFLICT':
      return conflictWords(posting, stored);
    default:
      return `the ledger refuses amount "${shortened(posting.amount)}" for advertiser ${advertiser}`;
  }
}

function conflictWords(
  { idempotencyKey, type, amount, advertiserId }: Posting,
  stored: StoredPosting | undefined,
): string {
  const key = `"${shortened(idempotencyKey)}"`;
  if (stored === undefined) return `${key} was posted before with another amount, type or advertiser`;
  const before = `${stored.type} of ${stored.amount} for advertiser ${stored.advertiserId}`;
  return `${key} was posted before as ${before}, and comes now as ${type} of ${amount} for advertiser ${advertiserId}`;
}

function campaignOf(posting: Posting): bigint | undefined {
  return posting.type === 'DEDUCT' ? posting.campaignId : posting.duplicateClick.campaignId;
}

function invalid(message: string): PoisonError {
  return new PoisonError('INVALID_EVENT', message);
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
