import type { ClientBase } from 'pg';
import { GROUP_EVERY_MS } from './burst.js';
import type { Claim, GroupRows } from './claim.js';
import type { Verdict } from './retry-schedule.js';

/** Rows of one statement: well within the time that one may take. */
const ROWS_AT_ONCE = 5_000;

/** How many deliveries ended; those that are tried again are in neither. */
export interface Ended {
  readonly delivered: number;
  readonly failed: number;
}

/** What is written of an attempt, for a row `d`. $3 status, $4 now, $5 error, $6 retry at, $7 give up before. */
const SETTLED = `
  status = case when $3 = 'PENDING' and d.created_at <= $7::timestamptz then 'FAILED' else $3 end,
  delivered_at = case when $3 = 'DELIVERED' then $4::timestamptz end,
  last_error = coalesce($5, d.last_error),
  next_attempt_at = coalesce($6::timestamptz, d.next_attempt_at)`;

/** Somebody else may have claimed it since, if the lease was over; what was accepted is delivered all the same. */
const SETTLE_SINGLE = `
  update notification_deliveries d set ${SETTLED}
  where d.channel = $1 and d.alert_id = $2 and d.status = 'PENDING' and ($3 = 'DELIVERED' or d.attempts = $8)
  returning d.status`;

const SETTLE_GROUPED = `
  with part as (
    select alert_id, seq from notification_deliveries
    where channel = $1 and cause = $2 and status = 'PENDING' and grouped and seq > $8 and seq <= $9
    order by seq
    limit $10
  ), settled as (
    update notification_deliveries d set attempts = d.attempts + 1, ${SETTLED}
    from part where d.channel = $1 and d.alert_id = part.alert_id and d.status = 'PENDING'
    returning d.status
  )
  select (select max(seq) from part) as last_seq, count(*)::int as count,
         (count(*) filter (where status = 'DELIVERED'))::int as delivered, (count(*) filter (where status = 'FAILED'))::int as failed
  from settled`;

const LOCK_BURST = 'select group_attempts from alert_bursts where channel = $1 and cause = $2 for update';

/** A statement after the lock: it sees what was stored while the message was under way. */
const UPDATE_BURST = `
  update alert_bursts
  set group_due_at = case when exists (
        select from notification_deliveries where channel = $1 and cause = $2 and status = 'PENDING' and grouped
      ) then $3::timestamptz end,
      group_attempts = case when $4 then group_attempts else 0 end
  where channel = $1 and cause = $2`;

const PAUSE = `
  insert into notification_pauses as p (channel, paused_until) values ($1, $2::timestamptz)
  on conflict (channel) do update set paused_until = greatest(p.paused_until, excluded.paused_until)`;

/**
 * Writes down how an attempt ended, for all rows of its message at once. May be repeated.
 *
 * @param now milliseconds since the epoch
 */
export async function settle(
  client: ClientBase,
  channel: string,
  claim: Claim,
  verdict: Verdict,
  now: number,
): Promise<Ended> {
  if (verdict.status === 'PENDING' && verdict.pauseUntil !== undefined) {
    await client.query(PAUSE, [channel, iso(verdict.pauseUntil)]);
  }
  const { rows } = claim;
  if (rows.kind === 'group') return settleGroup(client, channel, { ...claim, rows }, verdict, now);
  const result = await client.query<{ status: string }>(SETTLE_SINGLE, [
    channel,
    rows.alertId,
    ...columnsOf(verdict, now),
    claim.attempts,
  ]);
  const status = result.rows[0]?.status;
  return { delivered: status === 'DELIVERED' ? 1 : 0, failed: status === 'FAILED' ? 1 : 0 };
}

/** Nothing waits for the group message of a burst, as far as can be seen without its lock. */
export async function closeBurst(client: ClientBase, channel: string, cause: string, now: number): Promise<void> {
  const rows = { kind: 'group', cause, lastSeq: '0' } as const;
  await settleGroup(client, channel, { attempts: 0, rows }, { status: 'DELIVERED' }, now);
}

/** In one transaction: a crash in its middle must not leave some rows to be sent again. */
async function settleGroup(
  client: ClientBase,
  channel: string,
  { attempts, rows: group }: Pick<Claim, 'attempts'> & { readonly rows: GroupRows },
  verdict: Verdict,
  now: number,
): Promise<Ended> {
  await client.query('begin');
  try {
    // The burst last: whoever stores alerts of this cause waits for its lock.
    const ended = await settleRows(client, channel, group, verdict, now);
    const burst = await client.query<{ group_attempts: number }>(LOCK_BURST, [channel, group.cause]);
    const isOurs = verdict.status === 'DELIVERED' || burst.rows[0]?.group_attempts === attempts;
    if (isOurs) {
      const dueAt = verdict.status === 'PENDING' ? verdict.retryAt : now + GROUP_EVERY_MS;
      await client.query(UPDATE_BURST, [channel, group.cause, iso(dueAt), verdict.status === 'PENDING']);
    }
    // Somebody else has claimed it since, as the lease was over: theirs is the last word.
    await client.query(isOurs ? 'commit' : 'rollback');
    return isOurs ? ended : { delivered: 0, failed: 0 };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function settleRows(
  client: ClientBase,
  channel: string,
  { cause, lastSeq }: GroupRows,
  verdict: Verdict,
  now: number,
): Promise<Ended> {
  let [delivered, failed] = [0, 0];
  for (let after = '0'; ;) {
    const { rows } = await client.query<{ last_seq: string | null; delivered: number; failed: number }>(
      SETTLE_GROUPED,
      [channel, cause, ...columnsOf(verdict, now), after, lastSeq, ROWS_AT_ONCE],
    );
    const [part] = rows;
    if (part?.last_seq == null) return { delivered, failed };
    delivered += part.delivered;
    failed += part.failed;
    after = part.last_seq;
  }
}

function columnsOf(verdict: Verdict, now: number): (string | null)[] {
  const error = verdict.status === 'DELIVERED' ? null : verdict.error;
  const isAgain = verdict.status === 'PENDING';
  return [
    verdict.status,
    iso(now),
    error,
    isAgain ? iso(verdict.retryAt) : null,
    isAgain ? iso(verdict.giveUpBefore) : null,
  ];
}

const iso = (ms: number): string => new Date(ms).toISOString();
