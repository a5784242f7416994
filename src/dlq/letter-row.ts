import type { ReplayedLetter } from '../platform/kafka/replay-publisher.js';
import type { LetterStatus } from './letter-status.js';

/** What is said of a dead letter; ids are text, as in all JSON of ours. */
export interface LetterLine {
  readonly id: string;
  readonly status: LetterStatus;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Milliseconds since the epoch, the record's own. */
  readonly recordTimestamp: string;
  readonly group: string;
  readonly code: string;
  readonly message: string;
  readonly cause: string;
  readonly failedAt: Date;
  readonly attempts: number;
  readonly campaignId: string | null;
  readonly advertiserId: string | null;
  /** What a compensation would pay back, a decimal. */
  readonly refundAmount: string | null;
  readonly actor: string | null;
  readonly reason: string | null;
  readonly replayedAt: Date | null;
  readonly closedAt: Date | null;
}

/** The record as it failed. */
export interface LetterBytes {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Names and base64. */
  readonly headers: [string, string][];
}

export const LINE_COLUMNS = `
  d.id::text, d.status, d.topic, d.partition, d."offset"::text, d.record_timestamp::text as "recordTimestamp",
  d.group_id as "group", d.error_code as code, d.error_message as message, d.cause, d.failed_at as "failedAt", d.attempts,
  d.campaign_id::text as "campaignId", d.advertiser_id::text as "advertiserId",
  d.refund_amount::text as "refundAmount", d.actor, d.reason,
  d.replayed_at as "replayedAt", d.closed_at as "closedAt"`;

export const BYTES_COLUMNS = 'd.key, d.value, d.headers';

/** A row as it is sent again. */
export function replayedLetter(row: LetterLine & LetterBytes): ReplayedLetter {
  return {
    origin: {
      topic: row.topic,
      partition: row.partition,
      offset: BigInt(row.offset),
      timestamp: Number(row.recordTimestamp),
    },
    group: row.group,
    attempt: row.attempts,
    key: row.key,
    value: row.value,
    headers: row.headers.map(([name, base64]) => [name, Buffer.from(base64, 'base64')] as const),
  };
}
