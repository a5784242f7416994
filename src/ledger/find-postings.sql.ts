import type { Pool } from 'pg';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';
import { storableMs } from './storable-ms.js';

/** A record that should have been posted, and the key that it would have been posted under. */
export interface Expected {
  readonly record: RecordCoordinates;
  readonly key: string;
}

/** `own`: by this very record; `other`: under its key, by another record. */
export type FoundPosting = 'own' | 'other' | undefined;

/** As the posting function makes it of milliseconds. */
const timeOf = (parameter: number): string => `to_timestamp($${parameter}::bigint / 1000.0::float8)`;

/** The keys of records hold their times: only the months of these need be looked at. All others may have come at any time. */
const BY_KEY = `
  select k.place, h.own
  from (
    select unnest($1::text[]) as key, unnest($3::int[]) as partition, unnest($4::bigint[]) as "offset",
           generate_subscripts($1::text[], 1) as place
    offset 0
  ) k
  join lateral (
    select (source_topic, source_partition, source_offset) is not distinct from ($2::text, k.partition, k."offset") as own
    from ad_balance_histories
    where idempotency_key = k.key and recorded_at between coalesce(${timeOf(5)}, '-infinity') and coalesce(${timeOf(6)}, 'infinity')
    order by own desc
    limit 1
  ) h on true`;

const RECORD_KEY = 'record:';

/** In the order of `expected`. */
export async function findPostings(
  database: Pool,
  topic: string,
  expected: readonly Expected[],
): Promise<FoundPosting[]> {
  const found = new Array<FoundPosting>(expected.length).fill(undefined);
  const places = expected.map((_, place) => place);
  const isRecord = (place: number): boolean => expected[place]?.key.startsWith(RECORD_KEY) === true;
  for (const ofRecords of [true, false]) {
    const asked = places.filter((place) => isRecord(place) === ofRecords);
    if (asked.length === 0) continue;
    const records = asked.map((place) => expected[place] as Expected);
    const times = records.map(({ record: { timestamp } }) => storableMs(timestamp));
    const { rows } = await database.query<{ place: number; own: boolean }>({
      name: 'find-postings',
      text: BY_KEY,
      values: [
        records.map(({ key }) => key),
        topic,
        records.map(({ record }) => record.partition),
        records.map(({ record }) => record.offset),
        ofRecords ? least(times) : null,
        ofRecords ? most(times) : null,
      ],
    });
    for (const { place, own } of rows) found[asked[place - 1] ?? -1] = own ? 'own' : 'other';
  }
  return found;
}

/** Times of records of a topic: from the first on, and before the second. */
export interface Span {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

const IN_SPAN = `source_topic = $1 and recorded_at >= coalesce($2, '-infinity'::timestamptz) and recorded_at < coalesce($3, 'infinity'::timestamptz)`;

/** Where records stood that were posted more than once, or several of which were posted under one key. */
export async function findTwice(
  database: Pool,
  topic: string,
  { from, to }: Span,
): Promise<{ partition: number; offset: bigint }[]> {
  const { rows } = await database.query<{ partition: number; offset: string }>(
    `select distinct source_partition as partition, source_offset::text as "offset"
     from ad_balance_histories
     where ${IN_SPAN} and (
       (source_partition, source_offset, recorded_at) in (
         select source_partition, source_offset, recorded_at from ad_balance_histories
         where ${IN_SPAN} group by 1, 2, 3 having count(*) > 1)
       or idempotency_key in (
         select idempotency_key from ad_balance_histories where ${IN_SPAN} group by 1 having count(*) > 1))`,
    [topic, from, to],
  );
  return rows
    .map(({ partition, offset }) => ({ partition, offset: BigInt(offset) }))
    .toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
}

/** Those of these records that were posted, under whatever key. Reads all histories of their time. */
export async function findByPlace(
  database: Pool,
  topic: string,
  records: readonly Omit<RecordCoordinates, 'topic'>[],
): Promise<Set<string>> {
  if (records.length === 0) return new Set();
  const times = records.map(({ timestamp }) => storableMs(timestamp));
  const { rows } = await database.query<{ partition: number; offset: string }>(
    `select distinct h.source_partition as partition, h.source_offset::text as "offset"
     from (
       select unnest($2::int[]) as partition, unnest($3::bigint[]) as "offset", to_timestamp(unnest($4::bigint[]) / 1000.0::float8) as at
     ) r
     join ad_balance_histories h
       on h.source_partition = r.partition and h.source_offset = r."offset" and h.recorded_at = r.at
     where h.source_topic = $1 and h.recorded_at between ${timeOf(5)} and ${timeOf(6)}`,
    [
      topic,
      records.map(({ partition }) => partition),
      records.map(({ offset }) => offset),
      times,
      least(times),
      most(times),
    ],
  );
  return new Set(rows.map(({ partition, offset }) => `${partition}:${offset}`));
}

function least(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.min(a, b), Infinity);
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, b), -Infinity);
}
