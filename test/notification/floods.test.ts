// Floods become a few messages, however many replicas store and send them, and no click waits for that.
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.js';
import { eventually } from '../support/eventually.js';
import { aClick, uniqueId, uniqueName } from '../support/fixtures.js';
import { anAlert, useNotifications, type Notifications } from '../support/notifications.js';
import { ok, refuses, type SlackRequest } from '../support/slack-server.js';

const MINUTE_MS = 60_000;

/** A message's own alert counts one; a group message says how many it stands for. */
function toldBy(messages: readonly SlackRequest[]): number {
  return messages.reduce((sum, { payload }) => sum + countOf(payload.text), 0);
}

function countOf(title: string): number {
  const [, count] = /: ([\d,]+) more/.exec(title) ?? [];
  return count === undefined ? 1 : Number(count.replaceAll(',', ''));
}

const aFlood = (topic: string, causes: number, count: number): Alert[] =>
  Array.from({ length: count }, (_, i) => anAlert({ subject: { topic }, details: { code: `CODE_${i % causes}` } }));

async function write(notifications: Notifications, alerts: readonly Alert[]): Promise<void> {
  const values = alerts.map((alert) => ({ value: JSON.stringify(alert), key: alert.alertId }));
  for (let at = 0; at < values.length; at += 1_000) {
    await notifications.own.world.produce('alert-events', values.slice(at, at + 1_000));
  }
}

/** Minutes pass until nothing waits any more. */
async function allDelivered(notifications: Notifications, channels = ['slack', 'email']): Promise<void> {
  const pending = async (): Promise<number> => {
    const counts = await Promise.all(channels.map((channel) => notifications.counted(channel)));
    return counts.reduce((sum, { PENDING = 0 }) => sum + PENDING, 0);
  };
  await eventually('nothing is pending', 120_000, async () => {
    if ((await pending()) === 0) return true;
    notifications.clock.advance(MINUTE_MS);
    const deadline = Date.now() + 3_000;
    await eventually('the minute was noticed', 4_000, async () => Date.now() > deadline || (await pending()) === 0);
    return false;
  });
}

describe('a flood of alerts', () => {
  const notifications = useNotifications();
  const { own, slack, mail } = notifications;

  it('of ten thousand with three causes is some twenty messages, while clicks are charged', async () => {
    const worker = await notifications.readyWorker();
    const account = await own.account();
    const topic = uniqueName('flooded');

    await write(notifications, aFlood(topic, 3, 10_000));
    await own.click([account], 300);
    await own.chargedAtLeast(300, 60_000, account);
    await notifications.settled(120_000);
    await allDelivered(notifications);

    for (const channel of ['slack', 'email']) {
      expect(await notifications.counted(channel)).toEqual({ DELIVERED: 10_000 });
    }
    const messages = slack.with(topic);
    expect(messages.filter(({ payload }) => countOf(payload.text) === 1)).toHaveLength(15);
    expect(messages.length).toBeGreaterThanOrEqual(18);
    expect(messages.length).toBeLessThanOrEqual(24);
    expect(toldBy(messages)).toBe(10_000);
    expect(mail.with(topic).length).toBeLessThanOrEqual(24);
    expect(mail.with(topic).reduce((sum, each) => sum + countOf(each.mail.subject ?? ''), 0)).toBe(10_000);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 300_000);

  it('of ten thousand dead letters is as few, and each has its row and its alert', async () => {
    const worker = await notifications.readyWorker();
    const { advertiser } = await own.account();
    const unpriced = await own.world.campaign(advertiser, { redisCpc: null });
    const click = (campaignId: bigint) => aClick({ campaignId, advertiserId: advertiser.id });
    const bad = [() => click(unpriced.id), () => click(uniqueId()), () => 'no JSON'];

    for (let at = 0; at < 10_000; at += 1_000) {
      await own.world.produce(
        'ad-events',
        Array.from({ length: 1_000 }, (_, i) => bad[(at + i) % bad.length]?.() ?? ''),
      );
    }
    await own.settled(120_000);
    await own.world.topics.settled('dlq-processor', 'ad-events.dlq', 120_000);
    await notifications.settled(120_000);
    await allDelivered(notifications);

    const { rows } = await own.world.database.query<{ code: string; count: number }>(
      `select error_code as code, count(*)::int as count from dead_letters where topic = 'ad-events' group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { code: 'INVALID_JSON', count: 3_333 },
      { code: 'UNKNOWN_CAMPAIGN', count: 3_333 },
      { code: 'UNKNOWN_PRICE', count: 3_334 },
    ]);
    const alerts = (await own.world.alerts()).filter(({ subject }) => subject.topic === 'ad-events');
    expect(new Set(alerts.map(({ alertId }) => alertId)).size).toBe(10_000);
    const messages = slack.with('ad-events');
    expect(messages.length).toBeGreaterThanOrEqual(18);
    expect(messages.length).toBeLessThanOrEqual(24);
    expect(toldBy(messages)).toBe(10_000);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 300_000);

  it('is no more with three replicas, and none is told twice', async () => {
    const workers = await Promise.all([1, 2, 3].map(() => notifications.startWorker()));
    await Promise.all(workers.map((worker) => worker.ready(120_000)));
    const topic = uniqueName('shared');

    await write(notifications, aFlood(topic, 2, 3_000));
    await notifications.settled(120_000);
    await allDelivered(notifications);

    const messages = slack.with(topic);
    expect(messages.filter(({ payload }) => countOf(payload.text) === 1)).toHaveLength(10);
    expect(messages.length).toBeLessThanOrEqual(16);
    expect(toldBy(messages)).toBe(3_000);
    expect(mail.with(topic).reduce((sum, each) => sum + countOf(each.mail.subject ?? ''), 0)).toBe(3_000);
    expect(await Promise.all(workers.map((worker) => own.stopWorker(worker)))).toEqual([0, 0, 0]);
  }, 300_000);

  it('is told when Slack takes it again, in one message for all that came meanwhile', async () => {
    const worker = await notifications.readyWorker();
    const topic = uniqueName('deferred');
    await write(notifications, aFlood(topic, 1, 5));
    await notifications.settled();
    await eventually('five are out', 30_000, () => slack.with(topic).length === 5);
    slack.answer = refuses(500, '');

    await write(notifications, aFlood(topic, 1, 20));
    await notifications.settled();
    await allDelivered(notifications, ['email']);
    await eventually('the group was refused', 30_000, async () => {
      const { rows } = await own.world.database.query<{ tried: number }>(
        `select count(*)::int as tried from notification_deliveries
         where channel = 'slack' and alert::text like $1 and status = 'PENDING' and attempts > 0 and last_error = 'HTTP 500'`,
        [`%${topic}%`],
      );
      return rows[0]?.tried === 20;
    });
    await write(notifications, aFlood(topic, 1, 30));
    await notifications.settled();
    slack.answer = ok;
    await allDelivered(notifications);

    const counts = slack.with(topic).map(({ payload }) => countOf(payload.text));
    expect(counts.reduce((sum, count) => sum + count)).toBe(55);
    expect(counts.slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
    expect(counts.length).toBeLessThanOrEqual(12);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 300_000);
});
