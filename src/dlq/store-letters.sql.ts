import type { ClientBase } from 'pg';
import type { DataSource } from 'typeorm';
import type { LetterSubject } from './letter-subject.js';
import type { StoredLetter } from './stored-letter.js';

/**
 * A record's first bytes stay; a later attempt changes what is said of it. What comes again changes nothing, and neither does
 * a failure of a record that was settled meanwhile: it has had its effect, and the failure is that of a second replay.
 */
const STORE = `
  with letters as (
    select * from unnest(
      $1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[], $7::bytea[], $8::text[],
      $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::int[], $14::bigint[], $15::bigint[], $16::numeric[])
    as l (topic, partition, "offset", record_timestamp, group_id, key, value, headers,
          error_code, error_message, cause, failed_at, attempt, campaign_id, advertiser_id, refund_amount)
  ), stored as (
    insert into dead_letters as kept
      (topic, partition, "offset", record_timestamp, group_id, key, value, headers,
       error_code, error_message, cause, failed_at, attempts, status, campaign_id, advertiser_id, refund_amount)
    select topic, partition, "offset", record_timestamp, group_id, key, value, headers::jsonb,
           error_code, error_message, cause, failed_at, attempt, 'NEW', campaign_id, advertiser_id, refund_amount
    from letters
    -- In the order of the key: two replicas that store the same letters wait for each other, they do not deadlock.
    order by topic, partition, "offset", record_timestamp, group_id
    on conflict (topic, partition, "offset", record_timestamp, group_id) do update set
      error_code = excluded.error_code, error_message = excluded.error_message, cause = excluded.cause,
      failed_at = excluded.failed_at, attempts = excluded.attempts, status = 'NEW', replayed_at = null, closed_at = null
    where kept.attempts < excluded.attempts and kept.status <> 'RESOLVED'
    returning id, topic, partition, "offset", record_timestamp, group_id
  )
  insert into dead_letter_attempts (dead_letter_id, attempt, error_code, error_message, failed_at)
  select coalesce(s.id, k.id), l.attempt, l.error_code, l.error_message, l.failed_at
  from letters l
  left join stored s using (topic, partition, "offset", record_timestamp, group_id)
  left join dead_letters k using (topic, partition, "offset", record_timestamp, group_id)
  where coalesce(s.id, k.id) is not null
  on conflict (dead_letter_id, attempt) do nothing`;

/**
 * Stores a group of letters in one statement. No record may be there twice.
 *
 * @throws the driver's error; then none is stored, unless the connection was lost
 */
export async function storeLetters(client: ClientBase, letters: readonly StoredLetter[]): Promise<void> {
  await client.query(STORE, [
    ...keyColumns(letters),
    letters.map(({ key }) => key),
    letters.map(({ value }) => value),
    letters.map(({ headers }) => JSON.stringify(headers.map(([name, bytes]) => [name, bytes.toString('base64')]))),
    letters.map(({ code }) => code),
    letters.map(({ message }) => message),
    letters.map(({ cause }) => cause),
    letters.map(({ failedAt }) => failedAt),
    letters.map(({ attempt }) => attempt),
    letters.map(({ campaignId }) => campaignId),
    letters.map(({ advertiserId }) => advertiserId),
    letters.map(({ refundAmount }) => refundAmount),
  ]);
}

type LetterKey = Pick<StoredLetter, 'origin' | 'group'>;

/** Topic, partition, offset, time and group: what tells one dead letter from another. */
export function keyColumns(letters: readonly LetterKey[]): unknown[][] {
  return [
    letters.map(({ origin }) => origin.topic),
    letters.map(({ origin }) => origin.partition),
    letters.map(({ origin }) => origin.offset),
    letters.map(({ origin }) => storableMs(origin.timestamp)),
    letters.map(({ group }) => group),
  ];
}

export function keyOf({ origin, group }: LetterKey): string {
  return JSON.stringify([origin.topic, origin.partition, String(origin.offset), origin.timestamp, group]);
}

const SUBJECT = `
  select campaign_id::text as campaign, advertiser_id::text as advertiser from dead_letters
  where topic = $1 and partition = $2 and "offset" = $3 and record_timestamp = $4 and group_id = $5`;

/** Whom a stored letter concerns, for one whose bytes are in the table alone. */
export async function subjectOfStored(
  database: DataSource,
  letter: LetterKey,
): Promise<Pick<LetterSubject, 'campaignId' | 'advertiserId'>> {
  const values = keyColumns([letter]).map(([value]) => value);
  const [row] = await database.query<{ campaign: string | null; advertiser: string | null }[]>(SUBJECT, values);
  return { campaignId: asId(row?.campaign), advertiserId: asId(row?.advertiser) };
}

const asId = (text: string | null | undefined): bigint | null => (text == null ? null : BigInt(text));

const MOST_MS = 2n ** 63n - 1n;

/** A record's time as `bigint` takes it; a writer may set it to anything. */
function storableMs(ms: number): bigint {
  if (!Number.isFinite(ms)) return 0n;
  const whole = BigInt(Math.trunc(ms));
  return whole > MOST_MS ? MOST_MS : whole < -MOST_MS ? -MOST_MS : whole;
}
