import type { Pool } from 'pg';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';

/** Which of these records of a topic are dead letters of the group, whatever became of them since. In their order. */
export async function findDead(
  database: Pool,
  group: string,
  topic: string,
  records: readonly Omit<RecordCoordinates, 'topic'>[],
): Promise<boolean[]> {
  const dead = new Array<boolean>(records.length).fill(false);
  if (records.length === 0) return dead;
  const { rows } = await database.query<{ place: number }>({
    name: 'find-dead',
    text: `
      select r.place
      from (
        select unnest($3::int[]) as partition, unnest($4::bigint[]) as "offset", unnest($5::bigint[]) as timestamp,
               generate_subscripts($3::int[], 1) as place
        offset 0
      ) r
      join lateral (
        select from dead_letters d
        where d.topic = $2 and d.partition = r.partition and d."offset" = r."offset" and d.record_timestamp = r.timestamp
          and d.group_id = $1
        limit 1
      ) d on true`,
    values: [
      group,
      topic,
      records.map(({ partition }) => partition),
      records.map(({ offset }) => offset),
      records.map(({ timestamp }) => timestamp),
    ],
  });
  for (const { place } of rows) dead[place - 1] = true;
  return dead;
}
