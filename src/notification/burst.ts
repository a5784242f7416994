/** So many alerts of a burst are a message each, at once. */
export const SINGLE_ALERTS = 5;
/** What follows becomes one message a minute, until a minute was quiet. */
export const GROUP_EVERY_MS = 60_000;

/** Alerts of one cause, for one channel. Times are milliseconds since the epoch. */
export interface Burst {
  /** How many there were since it began. */
  readonly alerts: number;
  readonly lastAlertAt: number | null;
  /** When the next group message goes out (while one is under way: when another replica may try); null: none waits. */
  readonly groupDueAt: number | null;
}

/**
 * What becomes of an alert that is stored now: a message of its own, or a part of the next group message.
 *
 * A group message that waits outlives its burst: it may be one that the channel does not take yet.
 */
export function admit(burst: Burst, now: number): { burst: Burst; grouped: boolean } {
  const quiet = burst.lastAlertAt === null || now - burst.lastAlertAt > GROUP_EVERY_MS;
  const alerts = (quiet ? 0 : burst.alerts) + 1;
  const grouped = alerts > SINGLE_ALERTS;
  const groupDueAt = grouped ? (burst.groupDueAt ?? now + GROUP_EVERY_MS) : burst.groupDueAt;
  return { burst: { alerts, lastAlertAt: now, groupDueAt }, grouped };
}
