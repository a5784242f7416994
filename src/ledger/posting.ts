import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';

export type PriceSource = 'redis' | 'database';

/** `live` postings go first; `background` ones (replays, refunds) get at least a tenth of the work. */
export type PostingPriority = 'live' | 'background';

interface PostingBase {
  /** Namespaced: `record:…` or `compensation:…`. The same key is posted once. */
  readonly idempotencyKey: string;
  readonly advertiserId: bigint;
  /** Above zero, plain decimal, below 10^14, at most six places. */
  readonly amount: string;
  /** The record this follows from; its timestamp decides the budget day and the partition of the history. */
  readonly origin: RecordCoordinates;
  /** When the event says that it happened, in milliseconds; the record's own time where it does not say. */
  readonly occurredAt?: number | undefined;
  readonly eventId?: string | undefined;
  readonly priority?: PostingPriority;
}

/** The charge of a click. */
export interface Deduction extends PostingBase {
  readonly type: 'DEDUCT';
  readonly campaignId: bigint;
  readonly priceSource: PriceSource;
}

/** What the log of a duplicate click keeps; its row is written in the posting's transaction. */
interface DuplicateClick {
  readonly compensationId?: string | undefined;
  readonly campaignId?: bigint | undefined;
  readonly originalEventId?: string | undefined;
  readonly duplicateEventId?: string | undefined;
  readonly reason?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly detectedAt?: number | undefined;
}

/** The pay-back of a duplicate click. */
export interface Refund extends PostingBase {
  readonly type: 'REFUND';
  readonly duplicateClick: DuplicateClick;
}

export type Posting = Deduction | Refund;

/** Whoever asked for a posting. */
export interface PostingCaller {
  /** Somebody else holds the advertiser's row: the answer may take long. Told at least once, and only then. */
  waits(): void;
}

/** What a budget decision needs, as it stands after the group of the posting; those of one campaign and day share it. */
export interface CampaignSpend {
  readonly campaignId: bigint;
  /** The posting's budget day, `yyyy-MM-dd`. */
  readonly day: string;
  /** `daily_spend` of that day: spent − refunded, a decimal. */
  readonly spent: string;
  /** A decimal; null is unlimited. */
  readonly dailyBudget: string | null;
  readonly status: string;
}

/** `created: false` is a repeat: the answer is the stored posting's. */
export interface PostingResult {
  readonly historyId: bigint;
  readonly created: boolean;
  /** The advertiser's balance after this very posting, a decimal with six places. */
  readonly balanceAfter: string;
  readonly campaign: CampaignSpend | null;
}
