import type { ClientBase } from 'pg';
import { firstOfMonth } from '../ledger/partitions.js';
import { ok, warning, type Check } from './check.js';

const NAME = 'history partitions';

/** This month and the next; the Worker makes them ahead, and keeps on working where it could not. */
export async function checkPartitions(client: ClientBase, now: Date): Promise<Check> {
  const missing: string[] = [];
  const inDefault: string[] = [];
  for (const ahead of [0, 1]) {
    const [month, next] = [firstOfMonth(now, ahead), firstOfMonth(now, ahead + 1)];
    const { rows } = await client.query<{ made: boolean }>('select to_regclass($1) is not null as made', [
      `ad_balance_histories_${month.slice(0, 7).replace('-', '_')}`,
    ]);
    if (rows[0]?.made === true) continue;
    // A month without a partition of its own has its rows in the default one.
    const { rows: found } = await client.query<{ used: boolean }>(
      `select exists (select from ad_balance_histories where recorded_at >= $1::timestamptz and recorded_at < $2::timestamptz) as used`,
      [`${month}T00:00:00Z`, `${next}T00:00:00Z`],
    );
    (found[0]?.used === true ? inDefault : missing).push(month.slice(0, 7));
  }
  if (inDefault.length > 0) {
    return warning(
      NAME,
      `rows of ${inDefault.join(' and ')} lie in the default partition, so that month cannot have one of its own any more: ` +
        'postings go on, but old months cannot be archived by dropping a partition',
      'nothing needs to be done; keep the Worker or npm run migrate running at least once a month',
    );
  }
  if (missing.length > 0) {
    return warning(
      NAME,
      `there is none for ${missing.join(' and ')}`,
      'npm run migrate, or a start of the Worker, makes it',
    );
  }
  return ok(NAME, 'this month and the next have one');
}
