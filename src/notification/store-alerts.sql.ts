import type { ClientBase } from 'pg';
import { admit, type Burst } from './burst.js';

/** An alert as its rows hold it. */
export interface StorableAlert {
  readonly alertId: string;
  readonly cause: string;
  /** JSON text. */
  readonly json: string;
}

export interface NewDelivery {
  readonly channel: string;
  readonly alertId: string;
}

const MAKE_BURSTS = `
  insert into alert_bursts (channel, cause)
  select channel, cause from unnest($1::text[], $2::text[]) as wanted (channel, cause)
  order by channel, cause
  on conflict do nothing`;

/** In one order, so that replicas that store the same causes wait for each other instead of locking each other out. */
const LOCK_BURSTS = `
  select channel, cause, alerts, last_alert_at, group_due_at
  from alert_bursts
  where (channel, cause) in (select channel, cause from unnest($1::text[], $2::text[]) as wanted (channel, cause))
  order by channel, cause
  for update`;

/** A statement of its own, after the locks: it sees what others stored while these were waited for. */
const FIND_STORED = 'select channel, alert_id from notification_deliveries where alert_id = any($1::text[])';

const INSERT_DELIVERIES = `
  insert into notification_deliveries (channel, alert_id, alert, cause, grouped, next_attempt_at, created_at)
  select channel, alert_id, alert::jsonb, cause, grouped, next_attempt_at, $7::timestamptz
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[])
    as new (channel, alert_id, alert, cause, grouped, next_attempt_at)
  on conflict do nothing`;

const UPDATE_BURSTS = `
  update alert_bursts b
  set alerts = new.alerts, last_alert_at = new.last_alert_at, group_due_at = new.group_due_at
  from unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::timestamptz[])
    as new (channel, cause, alerts, last_alert_at, group_due_at)
  where b.channel = new.channel and b.cause = new.cause`;

/**
 * Stores one delivery for each alert and channel, in one transaction, and decides of each whether it goes out alone or with
 * its burst's next group message. What is there already stays as it is, and counts for no burst.
 *
 * @param alerts no id twice
 * @param now milliseconds since the epoch
 * @returns the deliveries that are new
 * @throws the driver's error; then nothing is stored, or (a lost connection) all is
 */
export async function storeAlerts(
  client: ClientBase,
  channels: readonly string[],
  alerts: readonly StorableAlert[],
  now: number,
): Promise<NewDelivery[]> {
  await client.query('begin');
  try {
    const bursts = await lockBursts(client, channels, alerts);
    const stored = await findStored(client, alerts);
    const rows = channels.flatMap((channel) =>
      alerts
        .filter(({ alertId }) => stored.get(alertId)?.has(channel) !== true)
        .map((alert) => ({ channel, alert, ...bursts.admit(channel, alert.cause, now) })),
    );
    if (rows.length > 0) {
      await insertDeliveries(client, rows, now);
      await bursts.save(client);
    }
    await client.query('commit');
    return rows.map(({ channel, alert }) => ({ channel, alertId: alert.alertId }));
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

interface Row {
  readonly channel: string;
  readonly alert: StorableAlert;
  readonly grouped: boolean;
  readonly dueAt: number;
}

async function lockBursts(
  client: ClientBase,
  channels: readonly string[],
  alerts: readonly StorableAlert[],
): Promise<LockedBursts> {
  const causes = [...new Set(alerts.map(({ cause }) => cause))];
  const wanted = channels.flatMap((channel) => causes.map((cause) => [channel, cause] as const));
  const columns = [wanted.map(([channel]) => channel), wanted.map(([, cause]) => cause)];
  await client.query(MAKE_BURSTS, columns);
  const { rows } = await client.query<BurstRow>(LOCK_BURSTS, columns);
  return new LockedBursts(rows);
}

interface BurstRow {
  readonly channel: string;
  readonly cause: string;
  readonly alerts: number;
  readonly last_alert_at: Date | null;
  readonly group_due_at: Date | null;
}

/** The bursts of a transaction, as they will be. */
class LockedBursts {
  private readonly bursts = new Map<string, { channel: string; cause: string; burst: Burst }>();

  constructor(rows: readonly BurstRow[]) {
    for (const { channel, cause, alerts, last_alert_at: lastAt, group_due_at: dueAt } of rows) {
      const burst = { alerts, lastAlertAt: lastAt?.getTime() ?? null, groupDueAt: dueAt?.getTime() ?? null };
      this.bursts.set(keyOf(channel, cause), { channel, cause, burst });
    }
  }

  admit(channel: string, cause: string, now: number): { grouped: boolean; dueAt: number } {
    const locked = this.bursts.get(keyOf(channel, cause));
    if (locked === undefined) throw new Error(`the burst of ${cause} was not locked`);
    const { burst, grouped } = admit(locked.burst, now);
    locked.burst = burst;
    return { grouped, dueAt: grouped ? (burst.groupDueAt ?? now) : now };
  }

  async save(client: ClientBase): Promise<void> {
    const all = [...this.bursts.values()];
    await client.query(UPDATE_BURSTS, [
      all.map(({ channel }) => channel),
      all.map(({ cause }) => cause),
      all.map(({ burst }) => burst.alerts),
      all.map(({ burst }) => timestamp(burst.lastAlertAt)),
      all.map(({ burst }) => timestamp(burst.groupDueAt)),
    ]);
  }
}

const keyOf = (channel: string, cause: string): string => `${channel} ${cause}`;

async function findStored(client: ClientBase, alerts: readonly StorableAlert[]): Promise<Map<string, Set<string>>> {
  const ids = alerts.map(({ alertId }) => alertId);
  const { rows } = await client.query<{ channel: string; alert_id: string }>(FIND_STORED, [ids]);
  const stored = new Map<string, Set<string>>();
  for (const { channel, alert_id: alertId } of rows) {
    stored.set(alertId, (stored.get(alertId) ?? new Set()).add(channel));
  }
  return stored;
}

async function insertDeliveries(client: ClientBase, rows: readonly Row[], now: number): Promise<void> {
  await client.query(INSERT_DELIVERIES, [
    rows.map(({ channel }) => channel),
    rows.map(({ alert }) => alert.alertId),
    rows.map(({ alert }) => alert.json),
    rows.map(({ alert }) => alert.cause),
    rows.map(({ grouped }) => grouped),
    rows.map(({ dueAt }) => timestamp(dueAt)),
    timestamp(now),
  ]);
}

function timestamp(ms: number): string;
function timestamp(ms: number | null): string | null;
function timestamp(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
