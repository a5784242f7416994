import type { ClientBase } from 'pg';
import { keyColumns } from './store-letters.sql.js';
import type { StoredLetter } from './stored-letter.js';

/** Whatever their status is: a record that was settled has had its effect. Locked in id order, as a batch of a replay is. */
const RESOLVE = `
  with settled as (
    select d.id
    from dead_letters d
    join unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::text[])
      as s (topic, partition, "offset", record_timestamp, group_id)
      using (topic, partition, "offset", record_timestamp, group_id)
    where d.status <> 'RESOLVED'
    order by d.id
    for no key update of d
  )
  update dead_letters d set status = 'RESOLVED', closed_at = $6 from settled s where d.id = s.id`;

/** Marks those whose replay was settled; ones that are marked already stay as they are. */
export async function resolveLetters(
  client: ClientBase,
  letters: readonly Pick<StoredLetter, 'origin' | 'group'>[],
  at: Date,
): Promise<void> {
  await client.query(RESOLVE, [...keyColumns(letters), at]);
}
