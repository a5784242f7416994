import type { ClientBase } from 'pg';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';
import { BYTES_COLUMNS, LINE_COLUMNS, type LetterBytes, type LetterLine } from './letter-row.js';
import type { LetterStatus } from './letter-status.js';
import { conditionOf, IS_FOREIGN, IS_REPLAYABLE, type Selection } from './selection.js';

const PAGE = 500;
/** Whole records may be a megabyte each. */
const PAGE_OF_RECORDS = 50;

/** Dead letters, the newest first, a page at a time: the memory it takes does not depend on how many there are. */
export async function* findLetters(
  client: ClientBase,
  selection: Selection,
  { before, limit }: { before: bigint; limit: number },
): AsyncGenerator<LetterLine> {
  const { text, values } = conditionOf(selection, 3);
  let left = limit;
  for (let below = before; left > 0;) {
    const size = Math.min(PAGE, left);
    const { rows } = await client.query<LetterLine>(
      `select ${LINE_COLUMNS} from dead_letters d where d.id < $1 and ${text} order by d.id desc limit $2`,
      [below, size, ...values],
    );
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < size) return;
    below = BigInt(last.id);
    left -= rows.length;
  }
}

/** Whole records that a replay would send, the oldest first. */
export async function* findReplayable(
  client: ClientBase,
  selection: Selection,
): AsyncGenerator<(LetterLine & LetterBytes)[]> {
  const { text, values } = conditionOf(selection, 3);
  for (let after = 0n; ;) {
    const { rows } = await client.query<LetterLine & LetterBytes>(
      `select ${LINE_COLUMNS}, ${BYTES_COLUMNS} from dead_letters d
       where d.id > $1 and d.status in ('NEW', 'REPLAYED') and ${IS_REPLAYABLE} and not ${IS_FOREIGN} and ${text}
       order by d.id limit $2`,
      [after, PAGE_OF_RECORDS, ...values],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = BigInt(last.id);
  }
}

/** One failure of a record, and what somebody decided after it. */
interface Attempt {
  readonly attempt: number;
  readonly code: string;
  readonly message: string;
  readonly failedAt: Date;
  readonly actor: string | null;
  readonly reason: string | null;
}

export type WholeLetter = LetterLine & LetterBytes & { readonly history: Attempt[] };

/** Where a record stood. */
export type RecordPlace = Omit<RecordCoordinates, 'timestamp'>;

/** Letters of the records that stood there: one for each group, and for each topic that was made anew under the same name. */
export async function findAt(
  client: ClientBase,
  { topic, partition, offset }: RecordPlace,
): Promise<Pick<LetterLine, 'id' | 'group' | 'failedAt'>[]> {
  const { rows } = await client.query<LetterLine>(
    `select ${LINE_COLUMNS} from dead_letters d where d.topic = $1 and d.partition = $2 and d."offset" = $3 order by d.id`,
    [topic, partition, offset],
  );
  return rows;
}

/** All that is known of a dead letter, or undefined. */
export async function findLetter(client: ClientBase, id: bigint): Promise<WholeLetter | undefined> {
  const { rows } = await client.query<LetterLine & LetterBytes>(
    `select ${LINE_COLUMNS}, ${BYTES_COLUMNS} from dead_letters d where d.id = $1`,
    [id],
  );
  const { rows: history } = await client.query<Attempt>(
    `select attempt, error_code as code, error_message as message, failed_at as "failedAt", actor, reason
     from dead_letter_attempts where dead_letter_id = $1 order by attempt`,
    [id],
  );
  return rows[0] && { ...rows[0], history };
}

/** How many letters a cause has, by what became of them. */
export async function countsOfCause(
  client: ClientBase,
  cause: string,
): Promise<{ status: LetterStatus; count: number }[]> {
  const { rows } = await client.query<{ status: LetterStatus; count: number }>(
    'select status, count(*)::int as count from dead_letters where cause = $1 group by status order by status',
    [cause],
  );
  return rows;
}

/** Of letters that were asked for by id: those that are not there, and why the others are not what is wanted. */
export async function whyNot(
  client: ClientBase,
  ids: readonly bigint[],
  wanted: 'replay' | 'discard',
): Promise<{ id: string; why: string }[]> {
  const { rows } = await client.query<{ id: string; status: string | null; foreign: boolean; fits: boolean }>(
    `select i.id::text, d.status, ${IS_FOREIGN} as foreign,
            ${wanted === 'replay' ? IS_REPLAYABLE : "d.status = 'NEW'"} as fits
     from unnest($1::bigint[]) as i (id) left join dead_letters d using (id)`,
    [ids],
  );
  return rows.flatMap(({ id, status, foreign, fits }) => {
    if (status === null) return [{ id, why: 'there is none' }];
    if (!fits)
      return [{ id, why: status === 'REPLAYED' ? 'it is REPLAYED, its outcome is awaited' : `it is ${status}` }];
    if (wanted === 'replay' && foreign) return [{ id, why: 'somebody else wrote it to the dead-letter topic' }];
    return [];
  });
}
