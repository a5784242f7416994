import type { ClientBase } from 'pg';
import { sqlStateOf } from '../platform/database/database-errors.js';
import type { PoisonError } from '../platform/failure.js';
import { toMillionths } from './millionths.js';
import type { PostingOutcome } from './post-group.sql.js';
import type { Posting } from './posting.js';
import { overflow, type StoredPosting } from './refusal.js';

const OUT_OF_RANGE = '22003';

/**
 * What the conflicts among some outcomes are with, by `storedId`.
 *
 * @throws the driver's error
 */
export async function findConflicting(
  client: ClientBase,
  outcomes: readonly PostingOutcome[],
): Promise<ReadonlyMap<bigint | null, StoredPosting>> {
  const ids = outcomes.flatMap((outcome) =>
    outcome.status === 'REFUSED' && outcome.code === 'IDEMPOTENCY_CONFLICT' ? (outcome.storedId ?? []) : [],
  );
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<StoredPosting & { id: string }>(
    `select id::text, type, amount::text, advertiser_id::text as "advertiserId"
     from ad_balance_histories where id = any ($1::bigint[])`,
    [ids],
  );
  return new Map(rows.map((row) => [BigInt(row.id), row]));
}

/**
 * What an error of a posting that was alone in its call says of a sum that would be too large; undefined where it says
 * something else.
 *
 * @throws the driver's error
 */
export async function explainOverflow(
  client: ClientBase,
  error: unknown,
  posting: Posting,
): Promise<PoisonError | undefined> {
  if (sqlStateOf(error) !== OUT_OF_RANGE) return undefined;
  const { rows } = await client.query<{ balance: string }>(
    'select balance::text from advertisers where id = $1::bigint',
    [posting.advertiserId],
  );
  return overflow(posting, toMillionths(rows[0]?.balance ?? '0'));
}
