import type { ClientBase } from 'pg';
import type { Alert } from '../alerts/alert.js';
import type { Claim } from './claim.js';
import type { GroupMessage } from './notification-channel.js';
import { closeBurst } from './settle.sql.js';

/** A group message shows so many of its alerts. */
const EXAMPLES = 5;

export interface ClaimOptions {
  readonly channel: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly leaseEndsAt: number;
  readonly limit: number;
  /** Keys of what this process has in hand: a clock that jumps over a lease must not send it twice. */
  readonly inHand: readonly string[];
}

const NOT_PAUSED = 'not exists (select from notification_pauses where channel = $1 and paused_until > $2::timestamptz)';

/** Materialized: joined as it stands, the part that locks could be run more than once, and take more than its limit. */
const CLAIM_SINGLES = `
  with due as materialized (
    select alert_id from notification_deliveries
    where channel = $1 and status = 'PENDING' and not grouped and next_attempt_at <= $2::timestamptz
      and alert_id <> all($5::text[]) and ${NOT_PAUSED}
    order by next_attempt_at, seq
    limit $4
    for update skip locked
  )
  update notification_deliveries d
  set attempts = attempts + 1, next_attempt_at = $3::timestamptz
  from due
  where d.channel = $1 and d.alert_id = due.alert_id
  returning d.alert_id, d.alert, d.attempts`;

const CLAIM_BURST = `
  with due as materialized (
    select cause from alert_bursts
    where channel = $1 and group_due_at <= $2::timestamptz and cause <> all($4::text[]) and ${NOT_PAUSED}
    order by group_due_at
    limit 1
    for update skip locked
  )
  update alert_bursts b
  set group_due_at = $3::timestamptz, group_attempts = group_attempts + 1
  from due
  where b.channel = $1 and b.cause = due.cause
  returning b.cause, b.group_attempts`;

const WAITING = `channel = $1 and cause = $2 and status = 'PENDING' and grouped`;

const COUNT_WAITING = `
  select count(*)::int as count, max(seq) as last_seq, min(created_at) as first_at, max(created_at) as last_at
  from notification_deliveries where ${WAITING}`;

const FIRST_WAITING = `select alert from notification_deliveries where ${WAITING} order by seq limit $3`;

/**
 * Takes what is due, at most `limit` messages: the single alerts, oldest first.
 *
 * @throws the driver's error; what was claimed then is claimed again when its lease has ended
 */
export async function claimSingles(client: ClientBase, options: ClaimOptions): Promise<Claim[]> {
  const { rows } = await client.query<{ alert_id: string; alert: Alert; attempts: number }>(CLAIM_SINGLES, [
    options.channel,
    iso(options.now),
    iso(options.leaseEndsAt),
    options.limit,
    options.inHand,
  ]);
  return rows.map(({ alert_id: alertId, alert, attempts }) => ({
    key: alertId,
    message: { kind: 'single', alert },
    attempts,
    rows: { kind: 'single', alertId },
  }));
}

/** Takes the group message that has been due for longest; undefined: none is. */
export async function claimGroup(client: ClientBase, options: ClaimOptions): Promise<Claim | undefined> {
  const { channel, now, leaseEndsAt, inHand } = options;
  const { rows } = await client.query<{ cause: string; group_attempts: number }>(CLAIM_BURST, [
    channel,
    iso(now),
    iso(leaseEndsAt),
    inHand,
  ]);
  const burst = rows[0];
  if (burst === undefined) return undefined;
  const { cause, group_attempts: attempts } = burst;
  const waiting = await waitingOf(client, channel, cause);
  if (waiting === undefined) {
    await closeBurst(client, channel, cause, now);
    return undefined;
  }
  return { key: cause, message: waiting.message, attempts, rows: { kind: 'group', cause, lastSeq: waiting.lastSeq } };
}

/** What the group message of a burst says now; undefined where nothing waits for it. */
async function waitingOf(
  client: ClientBase,
  channel: string,
  cause: string,
): Promise<{ message: GroupMessage; lastSeq: string } | undefined> {
  const counted = await client.query<{ count: number; last_seq: string; first_at: Date; last_at: Date }>(
    COUNT_WAITING,
    [channel, cause],
  );
  const [whole] = counted.rows;
  if (whole === undefined || whole.count === 0) return undefined;
  const { count, last_seq: lastSeq, first_at: firstAt, last_at: lastAt } = whole;
  const shown = await client.query<{ alert: Alert }>(FIRST_WAITING, [channel, cause, EXAMPLES]);
  const [first, ...others] = shown.rows.map(({ alert }) => alert);
  if (first === undefined) return undefined;
  const examples = [first, ...others] as const;
  return {
    message: { kind: 'group', count, examples, firstAt: firstAt.getTime(), lastAt: lastAt.getTime() },
    lastSeq,
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();
