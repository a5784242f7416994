/** What operators set of the share of duplicate clicks. */
export interface DuplicateRateOptions {
  /** Refunds of an hour in percent of its clicks, above which somebody is told. */
  readonly alertAbovePercent: number;
}

export const DUPLICATE_RATE_OPTIONS = Symbol('DUPLICATE_RATE_OPTIONS');
