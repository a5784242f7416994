// Workers are killed with -9 where it hurts, and Postgres goes away there: an alert that is stored is sent, and is sent twice only where nobody can know
// whether it was.
import type { ClientBase, PoolClient } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.js';
import { eventually } from '../support/eventually.js';
import { uniqueName } from '../support/fixtures.js';
import { anAlert, useNotifications } from '../support/notifications.js';
import { hangs, ok } from '../support/slack-server.js';
import type { WorkerProcess } from '../support/worker-process.js';

const LEASE_MS = 30_000;
const MINUTE_MS = 60_000;

describe('a Worker that is killed with -9', () => {
  const notifications = useNotifications();
  const { own, slack, mail, clock } = notifications;

  afterEach(() => {
    slack.answer = ok;
  });

  const env = (): Record<string, string> => ({ SLACK_WEBHOOK_URL: slack.url });
  const mailEnv = (): Record<string, string> => ({ SMTP_URL: mail.url, ALERT_EMAIL_TO: 'on-call@example.com' });

  it('between storing an alert and sending it: the next one sends it, once', async () => {
    const worker = await notifications.readyWorker(env());
    const alert = anAlert();
    await own.world.database.query("insert into notification_pauses values ('slack', $1)", [
      new Date(clock.now() + 10 * MINUTE_MS),
    ]);
    await notifications.raise(alert);
    await own.kill(worker);
    expect(await notifications.delivery('slack', alert)).toMatchObject({ status: 'PENDING', attempts: 0 });

    const next = await notifications.startWorker(env());
    clock.advance(11 * MINUTE_MS);
    await notifications.became('slack', alert, 'DELIVERED', 90_000);

    expect(slack.with(alert.alertId)).toHaveLength(1);
    await own.kill(next);
  }, 180_000);

  it('while Slack has not answered: the next one sends it when the lease is over', async () => {
    const worker = await notifications.startWorker(env());
    await worker.ready(90_000);
    const alert = anAlert();
    slack.answer = hangs;
    await notifications.raise(alert);
    await eventually('Slack was asked', 20_000, () => slack.requests.some(({ body }) => body.includes(alert.alertId)));
    await own.kill(worker);
    slack.answer = ok;

    const next = await notifications.startWorker(env());
    clock.advance(LEASE_MS);
    await notifications.became('slack', alert, 'DELIVERED', 90_000);

    expect(slack.with(alert.alertId)).toHaveLength(1);
    expect(await notifications.delivery('slack', alert)).toMatchObject({ attempts: 2 });
    await own.kill(next);
  }, 180_000);

  it('between Slack’s answer and the mark: it is sent once more, and then never again', async () => {
    const worker = await notifications.startWorker(env());
    await worker.ready(90_000);
    const alert = anAlert();
    const holder = await own.world.database.connect();
    slack.answer = (response, request) => {
      void holdRow(holder, alert).then(() => {
        ok(response, request);
      });
    };
    await notifications.raise(alert);
    await eventually('Slack has it', 20_000, () => slack.with(alert.alertId).length === 1);
    await killBeforeMark(worker, holder);
    slack.answer = ok;
    expect(await notifications.delivery('slack', alert)).toMatchObject({ status: 'PENDING', attempts: 1 });

    const next = await notifications.startWorker(env());
    clock.advance(LEASE_MS);
    await notifications.became('slack', alert, 'DELIVERED', 90_000);
    clock.advance(10 * MINUTE_MS);
    const after = anAlert();
    await next.ready(90_000);
    await notifications.raise(after);
    await notifications.became('slack', after, 'DELIVERED');

    expect(slack.with(alert.alertId)).toHaveLength(2);
    await own.kill(next);
  }, 240_000);

  it('between the mail server’s answer and the mark: the mail that is sent again has the same Message-ID', async () => {
    const worker = await notifications.readyWorker(mailEnv());
    const alert = anAlert();
    const holder = await own.world.database.connect();
    mail.beforeAccepting = () => holdRow(holder, alert);
    await notifications.raise(alert);
    await eventually('the mail server has it', 20_000, () => mail.with(alert.alertId).length === 1);
    await killBeforeMark(worker, holder);
    mail.beforeAccepting = () => Promise.resolve();

    const next = await notifications.startWorker(mailEnv());
    clock.advance(LEASE_MS);
    await notifications.became('email', alert, 'DELIVERED', 90_000);
    const other = anAlert();
    await notifications.raise(other);
    await notifications.became('email', other, 'DELIVERED', 90_000);

    const [first, again, ...more] = mail.with(alert.alertId).map(({ mail: { messageId } }) => messageId);
    expect(more).toEqual([]);
    expect(first).toMatch(/^<.+@click-worker>$/);
    expect(again).toBe(first);
    expect(mail.with(other.alertId)[0]?.mail.messageId).not.toBe(first);
    await own.kill(next);
  }, 180_000);

  it('in the middle of a group message: the next one tells of all of it', async () => {
    const worker = await notifications.startWorker(env());
    await worker.ready(90_000);
    const topic = uniqueName('flooded');
    const alerts = Array.from({ length: 25 }, () => anAlert({ subject: { topic } }));
    await notifications.raise(...alerts);
    await eventually('five are out', 30_000, () => slack.with(topic).length === 5);
    slack.answer = hangs;
    const before = slack.requests.length;
    clock.advance(MINUTE_MS);
    await eventually('the group is under way', 20_000, () => slack.requests.length > before);
    await own.kill(worker);
    slack.answer = ok;

    const next = await notifications.startWorker(env());
    clock.advance(LEASE_MS);
    for (const alert of alerts) await notifications.became('slack', alert, 'DELIVERED', 90_000);

    expect(slack.with(topic)).toHaveLength(6);
    expect(slack.with(topic).at(-1)?.payload.text).toContain(': 20 more');
    await own.kill(next);
  }, 180_000);

  /** Held from outside, the row cannot be marked. */
  async function holdRow(holder: ClientBase, { alertId }: Alert): Promise<void> {
    await holder.query('begin');
    await holder.query('select from notification_deliveries where alert_id = $1 for update', [alertId]);
  }

  async function killBeforeMark(worker: WorkerProcess, holder: PoolClient): Promise<void> {
    await own.kill(worker);
    // The mark may lie with Postgres already, which does not know yet that nobody waits for it.
    await own.world.database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'worker%'",
    );
    await holder.query('rollback');
    holder.release();
  }
});

describe('Postgres, gone just as Slack answers', () => {
  const notifications = useNotifications();
  const { own, slack } = notifications;

  it('has the message marked when it is back, and not sent again', async () => {
    const worker = await notifications.startWorker({ SLACK_WEBHOOK_URL: slack.url });
    await worker.ready(90_000);
    const [alert, after] = [anAlert(), anAlert()];
    slack.answer = (response, request) => {
      void own.stack.postgres.stop().then(() => {
        ok(response, request);
      });
    };

    await own.world.produce('alert-events', [JSON.stringify(alert)]);
    await eventually('Slack has it', 30_000, () => slack.with(alert.alertId).length === 1);
    slack.answer = ok;
    await own.stack.postgres.start();
    await notifications.became('slack', alert, 'DELIVERED');
    await notifications.raise(after);
    await notifications.became('slack', after, 'DELIVERED');

    expect(slack.with(alert.alertId)).toHaveLength(1);
    expect(await notifications.delivery('slack', alert)).toMatchObject({ attempts: 1 });
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);
});
