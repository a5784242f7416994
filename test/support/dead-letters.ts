import { eventually } from './eventually.js';
import type { World } from './world.js';

/** A row of `dead_letters`. */
export interface LetterRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly group_id: string;
  readonly record_timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: [string, string][];
  readonly error_code: string;
  readonly error_message: string;
  readonly cause: string;
  readonly failed_at: Date;
  readonly attempts: number;
  readonly status: string;
  readonly actor: string | null;
  readonly reason: string | null;
  readonly campaign_id: string | null;
  readonly advertiser_id: string | null;
  readonly replayed_at: Date | null;
  readonly closed_at: Date | null;
}

async function lettersWhere(world: World, condition: string, ...values: unknown[]): Promise<LetterRow[]> {
  const { rows } = await world.database.query<LetterRow>(
    `select * from dead_letters where ${condition} order by id`,
    values,
  );
  return rows;
}

export const lettersOf = (world: World, topic: string): Promise<LetterRow[]> =>
  lettersWhere(world, 'topic = $1', topic);

export const lettersAbout = (world: World, { id }: { readonly id: bigint }): Promise<LetterRow[]> =>
  lettersWhere(world, 'campaign_id = $1', id);

export async function attemptsOf(
  world: World,
  { id }: Pick<LetterRow, 'id'>,
): Promise<{ attempt: number; error_code: string; actor: string | null; reason: string | null }[]> {
  const { rows } = await world.database.query<{
    attempt: number;
    error_code: string;
    actor: string | null;
    reason: string | null;
  }>('select attempt, error_code, actor, reason from dead_letter_attempts where dead_letter_id = $1 order by attempt', [
    id,
  ]);
  return rows;
}

/** Waits until these letters are all in this status; returns them. */
export async function inStatus(
  look: () => Promise<LetterRow[]>,
  status: string,
  count = 1,
  withinMs = 30_000,
): Promise<LetterRow[]> {
  let rows: LetterRow[] = [];
  await eventually(`${count} dead letters are ${status}`, withinMs, async () => {
    rows = await look();
    return rows.filter((row) => row.status === status).length === count;
  });
  return rows;
}
