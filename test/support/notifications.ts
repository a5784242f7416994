import { afterAll, beforeAll } from 'vitest';
import type { Alert } from '../../src/alerts/alert.js';
import { eventually } from './eventually.js';
import { uniqueName } from './fixtures.js';
import { MailServer } from './mail-server.js';
import { useOwnWorld, type OwnWorld } from './own-world.js';
import { SlackServer } from './slack-server.js';
import { SteeredClock } from './steered-clock.js';
import type { WorkerProcess } from './worker-process.js';

const NOTIFICATIONS = 'notification-processor';

export interface Delivery {
  readonly status: string;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly delivered_at: Date | null;
  readonly next_attempt_at: Date;
}

/** A stack of the file's own whose Workers tell a Slack and a mail server, by a clock that the test steers. */
export class Notifications {
  readonly slack = new SlackServer();
  readonly mail = new MailServer();
  readonly clock = new SteeredClock();

  constructor(readonly own: OwnWorld) {}

  async open(): Promise<void> {
    await Promise.all([this.slack.open(), this.mail.open()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.slack.close(), this.mail.close()]);
    this.clock.close();
  }

  get env(): Record<string, string> {
    return { SLACK_WEBHOOK_URL: this.slack.url, SMTP_URL: this.mail.url, ALERT_EMAIL_TO: 'on-call@example.com' };
  }

  startWorker(env: Record<string, string> = this.env): Promise<WorkerProcess> {
    return this.own.startWorker(env, { clock: this.clock });
  }

  async readyWorker(env?: Record<string, string>): Promise<WorkerProcess> {
    return (await this.startWorker(env)).ready(90_000);
  }

  /** Writes alerts and waits until they are stored (or dead). */
  async raise(...alerts: readonly (Alert | string)[]): Promise<void> {
    const values = alerts.map((alert) => (typeof alert === 'string' ? alert : JSON.stringify(alert)));
    await this.own.world.produce('alert-events', values);
    await this.settled();
  }

  settled(withinMs = 60_000): Promise<void> {
    return this.own.world.settled(NOTIFICATIONS, withinMs);
  }

  async delivery(channel: string, { alertId }: Alert): Promise<Delivery | undefined> {
    const { rows } = await this.own.world.database.query<Delivery>(
      'select * from notification_deliveries where channel = $1 and alert_id = $2',
      [channel, alertId],
    );
    return rows[0];
  }

  /** Waits until an alert's delivery is in a state. */
  async became(channel: string, alert: Alert, status: string, withinMs = 30_000): Promise<Delivery> {
    let delivery: Delivery | undefined;
    await eventually(`${alert.alertId} is ${status} for ${channel}`, withinMs, async () => {
      delivery = await this.delivery(channel, alert);
      return delivery?.status === status;
    });
    return delivery as Delivery;
  }

  async attempted(channel: string, alert: Alert, times: number, withinMs = 30_000): Promise<void> {
    await eventually(`${channel} was tried ${times} times`, withinMs, async () => {
      const delivery = await this.delivery(channel, alert);
      return (delivery?.attempts ?? 0) >= times && delivery?.last_error !== null;
    });
  }

  /** How many deliveries of a channel there are, by status. */
  async counted(channel: string): Promise<Record<string, number>> {
    const { rows } = await this.own.world.database.query<{ status: string; count: number }>(
      'select status, count(*)::int as count from notification_deliveries where channel = $1 group by status',
      [channel],
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }
}

export function useNotifications(): Notifications {
  const notifications = new Notifications(useOwnWorld());
  beforeAll(() => notifications.open());
  afterAll(() => notifications.close());
  return notifications;
}

/** A dead letter's, each of a cause of its own where no topic is named: so no test's alerts are grouped with another's. */
export function anAlert(fields: Partial<Alert> = {}): Alert {
  return {
    alertId: uniqueName('alert'),
    type: 'DEAD_LETTER',
    severity: 'warning',
    occurredAt: new Date().toISOString(),
    subject: { topic: uniqueName('topic') },
    message: 'a record is dead',
    details: { code: 'UNKNOWN_PRICE', partition: 0, offset: '17', attempt: 1 },
    ...fields,
  };
}
