import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { sqlStateOf } from '../platform/database/database-errors.js';

/** One month back: a backlog may be that old when the Worker first starts. */
const MONTHS_BACK = 1;
const MONTHS_AHEAD = 3;
/** Tries for one month: whoever reads or writes the default partition right then holds up the attaching. */
const ATTEMPTS = 10;
const PAUSE_MS = 100;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

export interface PartitionsMade {
  /** First days of the months that were made just now. */
  readonly made: string[];
  /** Months that cannot be made any more: rows of theirs lie in the default partition. They work on from there. */
  readonly inDefault: string[];
  /** Months that somebody's lock has kept from being made; the next run tries again. */
  readonly locked: string[];
  /** First day of the first month from this one on that has no partition of its own. */
  readonly until: string;
}

/**
 * Makes the months of history around `now` that are missing.
 *
 * @throws the database's error when it is away or the function is missing
 */
export async function makePartitionsAhead(
  client: Pick<ClientBase, 'query'>,
  now: Date,
  pauseMs = PAUSE_MS,
): Promise<PartitionsMade> {
  const made: string[] = [];
  const inDefault: string[] = [];
  const locked: string[] = [];
  let until = firstOfMonth(now, 0);
  for (let ahead = -MONTHS_BACK; ahead <= MONTHS_AHEAD; ahead++) {
    const month = firstOfMonth(now, ahead);
    const outcome = await makePartition(client, month, pauseMs);
    if (outcome === 'made') made.push(month);
    if (outcome === 'default_has_rows') inDefault.push(month);
    if (outcome === 'locked') locked.push(month);
    if ((outcome === 'made' || outcome === 'exists') && month === until) until = firstOfMonth(now, ahead + 1);
  }
  return { made, inDefault, locked, until };
}

/** `yyyy-MM-dd`, in UTC as the partitions' borders are. */
export function firstOfMonth(now: Date, monthsAhead: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + monthsAhead, 1)).toISOString().slice(0, 10);
}

async function makePartition(client: Pick<ClientBase, 'query'>, month: string, pauseMs: number): Promise<string> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const { rows } = await client.query<{ outcome: string }>('select ledger_make_partition_v1($1::date) as outcome', [
        month,
      ]);
      return rows[0]?.outcome ?? 'locked';
    } catch (error) {
      const state = sqlStateOf(error);
      if (state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK) throw error;
      await pause(pauseMs * attempt);
    }
  }
  return 'locked';
}
