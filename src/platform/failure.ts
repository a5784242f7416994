/** Why a record can never succeed; the values of the `dlq-error-code` header. */
export const POISON_CODES = [
  'INVALID_JSON',
  'INVALID_EVENT',
  'UNKNOWN_CAMPAIGN',
  'UNKNOWN_ADVERTISER',
  'CAMPAIGN_ADVERTISER_MISMATCH',
  'UNKNOWN_PRICE',
  'IDEMPOTENCY_CONFLICT',
  'HANDLER_ERROR',
] as const;
export type PoisonCode = (typeof POISON_CODES)[number];

/** The record can never succeed: it goes to its dead-letter topic at once. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError';

  constructor(
    readonly code: PoisonCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Something the record needs is away for now: it is retried, with growing pauses, for as long as it takes. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}
