import { afterEach, describe, expect, it } from 'vitest';
import { AlertPublisher } from '../src/alerts/alert-publisher.js';
import { AlertsModule } from '../src/alerts/alerts.module.js';
import { CapabilityReplica } from './support/capability.js';
import { eventually } from './support/eventually.js';
import { uniqueName } from './support/fixtures.js';
import { aListener, numbered, useTransport, type Channel, type Handle } from './support/transport.js';
import type { Alert } from './support/world.js';

describe('alert-events', () => {
  const transport = useTransport();
  const replicas: CapabilityReplica[] = [];
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.close();
  });

  const start = async (channel: Channel, handle: Handle): Promise<CapabilityReplica> => {
    const capability = { controllers: [aListener(channel, handle)], imports: [AlertsModule] };
    const limits = { retryFirstMs: 10, retryMaxMs: 20, fetchWaitMs: 50, drainMs: 3_000 };
    const replica = await CapabilityReplica.start(transport.world.env, capability, { limits });
    replicas.push(replica);
    return replica;
  };
  const alerts = async (isMine: (alert: Alert) => boolean): Promise<Alert[]> => {
    return (await transport.world.alerts()).filter(isMine);
  };
  const theAlert = async (isMine: (alert: Alert) => boolean): Promise<Alert | undefined> => {
    await eventually('the alert', 30_000, async () => (await alerts(isMine)).length > 0);
    return (await alerts(isMine))[0];
  };

  it('has what a capability raises, once however often it is raised', async () => {
    const replica = await start(await transport.channel(), () => undefined);
    const publisher = replica.app.get(AlertPublisher);
    const alert = {
      alertId: uniqueName('alert'),
      type: 'BALANCE_EXHAUSTED',
      severity: 'critical',
      subject: { advertiserId: '7' },
      message: 'a test',
      details: { balance: '0.000000' },
    } as const;

    await Promise.all([publisher.raise(alert), publisher.raise(alert)]);
    await publisher.raise(alert);

    const found = await alerts(({ alertId }) => alertId === alert.alertId);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject(alert);
    expect(Date.parse(found[0]?.occurredAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('tells of a consumer that halted', async () => {
    const channel = await transport.channel();
    await (await start(channel, () => Promise.reject(new Error('bad deploy')))).joined();

    await transport.produce(channel.topic, numbered('', 60));

    const alert = await theAlert(({ details }) => details['group'] === channel.group);
    expect(alert).toMatchObject({ type: 'CONSUMER_HALTED', severity: 'critical' });
    expect(alert?.message).toContain(channel.group);
  });

  it('tells of records that were removed before they were read', async () => {
    const channel = await transport.channel();
    const before = await start(channel, () => undefined);
    await before.joined();
    await transport.produce(channel.topic, numbered('', 3));
    await transport.settled(channel);
    await before.close();
    await transport.produce(channel.topic, numbered('', 5));
    await transport.admin.fetchTopicOffsets(channel.topic); // kafkajs deletes from topics only that it knows
    await transport.admin.deleteTopicRecords({ topic: channel.topic, partitions: [{ partition: 0, offset: '7' }] });

    await start(channel, () => undefined);

    expect(await theAlert(({ subject }) => subject.topic === channel.topic)).toMatchObject({
      alertId: `offset-lost:${channel.group}:${channel.topic}:0:3-7`,
      type: 'OFFSET_LOST',
      severity: 'critical',
      details: { group: channel.group, partition: 0, from: 3, to: 7 },
    });
  });
});
