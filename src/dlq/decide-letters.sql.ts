import type { ClientBase } from 'pg';
import { describeDatabaseError, sqlStateOf } from '../platform/database/database-errors.js';
import type { TalliedLetter } from './causes-tally.js';
import { BYTES_COLUMNS, LINE_COLUMNS, type LetterBytes, type LetterLine } from './letter-row.js';
import { conditionOf, IS_FOREIGN, IS_REPLAYABLE, type Selection } from './selection.js';

/** Who decides on dead letters, and why: kept with each of them. */
export interface Decision {
  readonly selection: Selection;
  readonly by: string;
  readonly reason: string;
}

/** What of a selection is to be decided on: those above `after`, up to `last`. */
export interface Span {
  readonly after: bigint;
  readonly last: bigint;
}

export type ReplayableLetter = LetterLine & LetterBytes;

const DEADLOCK = '40P01';
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_TRIES = 5;

/** Each of them once: what fails again, or comes meanwhile, lies beyond `last` or behind. */
export async function countReplayable(
  client: ClientBase,
  selection: Selection,
): Promise<{ chosen: number; foreign: number; last: bigint }> {
  const { text, values } = conditionOf(selection);
  const { rows } = await client.query<{ chosen: number; foreign: number; last: string }>(
    `select count(*) filter (where not ${IS_FOREIGN})::int as chosen, count(*) filter (where ${IS_FOREIGN})::int as foreign,
            coalesce(max(d.id), 0)::text as last
     from dead_letters d where d.status in ('NEW', 'REPLAYED') and ${IS_REPLAYABLE} and ${text}`,
    [...values],
  );
  const { chosen = 0, foreign = 0, last = '0' } = rows[0] ?? {};
  return { chosen, foreign, last: BigInt(last) };
}

export async function countNew(client: ClientBase, selection: Selection): Promise<{ chosen: number; last: bigint }> {
  const { text, values } = conditionOf(selection);
  const { rows } = await client.query<{ chosen: number; last: string }>(
    `select count(*)::int as chosen, coalesce(max(d.id), 0)::text as last
     from dead_letters d where d.status = 'NEW' and ${text}`,
    [...values],
  );
  return { chosen: rows[0]?.chosen ?? 0, last: BigInt(rows[0]?.last ?? 0) };
}

/**
 * Takes the next ones for a replay: marked first, sent after. Whoever is killed between the two leaves them `REPLAYED`, which
 * are replayed again after ten minutes. Two people at once wait for each other here, and each letter goes to one of them.
 */
export async function claimForReplay(
  client: ClientBase,
  { selection, by, reason }: Decision,
  { after, last }: Span,
  limit: number,
): Promise<ReplayableLetter[]> {
  const { text, values } = conditionOf(selection, 6);
  return decide<ReplayableLetter>(
    client,
    `with chosen as (
       ${nextOf(`${IS_REPLAYABLE} and not ${IS_FOREIGN} and ${text}`, "in ('NEW', 'REPLAYED')")}
     ), d as (
       update dead_letters d
       set status = 'REPLAYED', replayed_at = clock_timestamp(), actor = $4, reason = $5
       from chosen c where d.id = c.id
       returning d.*
     ), ${NOTED}
     select ${LINE_COLUMNS}, ${BYTES_COLUMNS} from d order by d.id`,
    [after, last, limit, by, reason, ...values],
  );
}

/** Gives back what could not be sent, unless it was sent all the same and has its outcome. */
export async function releaseUnsent(client: ClientBase, letters: readonly LetterLine[]): Promise<void> {
  await client.query(
    `update dead_letters d set status = 'NEW', replayed_at = null
     from unnest($1::bigint[], $2::int[]) as u (id, attempts)
     where d.id = u.id and d.attempts = u.attempts and d.status = 'REPLAYED'`,
    [letters.map(({ id }) => id), letters.map(({ attempts }) => attempts)],
  );
}

/** Discards the next ones, and returns them. */
export async function discardNext(
  client: ClientBase,
  { selection, by, reason }: Decision,
  { after, last }: Span,
  limit: number,
): Promise<(TalliedLetter & Pick<LetterLine, 'id'>)[]> {
  const { text, values } = conditionOf(selection, 6);
  return decide(
    client,
    `with chosen as (
       ${nextOf(text, "= 'NEW'")}
     ), d as (
       update dead_letters d
       set status = 'DISCARDED', closed_at = clock_timestamp(), actor = $4, reason = $5
       from chosen c where d.id = c.id
       returning d.*
     ), ${NOTED}
     select ${LINE_COLUMNS} from d order by d.id`,
    [after, last, limit, by, reason, ...values],
  );
}

/** In id order: two who decide at once wait for each other, and find decided what the other one took. */
function nextOf(condition: string, status: string): string {
  return `
    select d.id from dead_letters d
    where d.id > $1 and d.id <= $2 and d.status ${status} and ${condition}
    order by d.id limit $3
    for no key update of d`;
}

/** Who decided what, with the attempt that it was decided on. */
const NOTED = `noted as (
  update dead_letter_attempts a set actor = $4, reason = $5
  from d where a.dead_letter_id = d.id and a.attempt = d.attempts
)`;

/** The Worker stores letters in the order of their coordinates: the two orders may meet. */
async function decide<Row extends object>(client: ClientBase, sql: string, values: unknown[]): Promise<Row[]> {
  for (let tries = 1; ; tries++) {
    try {
      return (await client.query<Row>(sql, values)).rows;
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === LOCK_NOT_AVAILABLE) {
        throw new Error(`somebody holds a dead letter: ${describeDatabaseError(error)}`, { cause: error });
      }
      if (state !== DEADLOCK || tries === DEADLOCK_TRIES) throw error;
    }
  }
}
