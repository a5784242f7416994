// Records that were removed before they were read are reported, never skipped in silence; and a topic that was made anew
// is read from its first record.
import { describe, expect, it } from 'vitest';
import { commitFirst } from '../../src/platform/kafka/first-commit.js';
import type { LostOffsets } from '../../src/platform/kafka/observer.js';
import { TransientError } from '../../src/platform/failure.js';
import type { CapabilityReplica } from '../support/capability.js';
import { eventually } from '../support/eventually.js';
import { numbered, useTransport, type Channel } from '../support/transport.js';

describe('records that were removed', () => {
  const transport = useTransport();

  it('while nobody read are reported; reading goes on at the first that is left', async () => {
    const channel = await transport.channel();
    await readAndStop(channel, numbered('read ', 5));
    await transport.produce(channel.topic, numbered('', 10, 5));
    await removeBelow(channel, 10);

    const seen: string[] = [];
    const replica = await transport.start(channel, (value) => void seen.push(value));
    const lost = lossesOf(replica);
    await replica.joined();
    await transport.settled(channel);

    expect(seen).toEqual(numbered('', 5, 10));
    expect(lost).toEqual([{ ...channel, partition: 0, from: 5, to: 10 }]);
  });

  it('to the last one are reported once, however often the group is shared out anew', async () => {
    const channel = await transport.channel({ partitions: 2 });
    await readAndStop(channel, numbered('read ', 5));
    await transport.produce(channel.topic, numbered('', 10, 5));
    await removeBelow(channel, 15);

    const replica = await transport.start(channel, () => undefined);
    const lost = lossesOf(replica);
    await replica.joined();
    await eventually('it was reported', 20_000, () => lost.length === 1);
    const other = await transport.replica(channel, () => undefined);
    await other.close();
    await replica.joined();
    await transport.produce(channel.topic, ['next']);
    await transport.settled(channel);

    expect(lost).toEqual([{ ...channel, partition: 0, from: 5, to: 15 }]);
  });

  it('from a partition that was added, before the group knew of it, are reported too', async () => {
    const channel = await transport.channel();
    const before = await transport.replica(channel, () => undefined);
    await before.close();
    await transport.administer((admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: channel.topic, count: 2 }] }),
    );
    await eventually('the new partition can be written', 20_000, async () => {
      return (await transport.world.topics.ends(channel.topic).catch(() => new Map())).size === 2;
    });
    await transport.produce(channel.topic, numbered('', 10), 1);
    await removeBelow(channel, 8, 1);

    const seen: string[] = [];
    const replica = await transport.start(channel, (value) => void seen.push(value));
    const lost = lossesOf(replica);
    await eventually('what is left is read', 20_000, () => seen.length === 2);

    expect(seen).toEqual(['8', '9']);
    expect(lost).toEqual([{ ...channel, partition: 1, from: 0, to: 8 }]);
  });

  it('while the partition was paused by an outage are reported too', async () => {
    const channel = await transport.channel();
    const handled: number[] = [];
    let away = true;
    const limits = { retryFirstMs: 20, retryMaxMs: 50, chunkRecords: 10, underWayRecords: 10, queuedRecords: 10 };
    const replica = await transport.replica(
      channel,
      (_value, { record: { offset } }) => {
        if (away) throw new TransientError('the database is away');
        handled.push(Number(offset));
      },
      { limits: { ...limits, parkedRecords: 50, fetchBytesPerPartition: 4_096 } },
    );
    const lost = lossesOf(replica);
    for (let at = 0; at < 200; at += 10) await transport.produce(channel.topic, numbered('x'.repeat(400), 10, at));
    await eventually('some are in hand', 20_000, () => replica.transport.lags().some(({ seconds }) => seconds > 0.5));

    await removeBelow(channel, 150);
    away = false;
    await transport.settled(channel);

    expect(lost).toHaveLength(1);
    const { from, to } = lost[0] as LostOffsets;
    expect(lost[0]).toMatchObject({ group: channel.group, topic: channel.topic, partition: 0, to: 150 });
    expect(from).toBeLessThan(150);
    expect(handled.sort((a, b) => a - b)).toEqual(offsets(0, 200).filter((offset) => offset < from || offset >= to));
  });

  it('from two topics of one group, alike in partition and offsets, are told of each', async () => {
    const one = await transport.channel();
    const two = { ...(await transport.channel()), group: one.group };
    const beside = { beside: [[two, () => undefined]] } as const;
    const first = await transport.replica(one, () => undefined, beside);
    for (const { topic } of [one, two]) await transport.produce(topic, numbered('read ', 5));
    for (const channel of [one, two]) await transport.settled(channel);
    await first.close();
    for (const channel of [one, two]) {
      await transport.produce(channel.topic, numbered('', 10, 5));
      await removeBelow(channel, 10);
    }

    const replica = await transport.start(one, () => undefined, beside);
    const lost = lossesOf(replica);
    await replica.joined();
    for (const channel of [one, two]) await transport.settled(channel);

    const losses = [one, two].map((channel) => ({ ...channel, partition: 0, from: 5, to: 10 }));
    expect(lost).toHaveLength(2);
    expect(lost).toEqual(expect.arrayContaining(losses));
  });

  it('are not what a transaction leaves', async () => {
    const channel = await transport.channel();
    const replica = await transport.replica(channel, () => undefined);
    const lost = lossesOf(replica);
    const producer = transport.world.topics.kafka.producer({ transactionalId: channel.topic, idempotent: true });
    await producer.connect();

    for (const end of ['abort', 'commit'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: channel.topic, messages: [{ value: 'value', partition: 0 }] });
      await transaction[end]();
    }
    await producer.disconnect();
    await transport.settled(channel);

    expect(lost).toEqual([]);
  });

  async function readAndStop(channel: Channel, values: string[]): Promise<void> {
    const replica = await transport.replica(channel, () => undefined);
    await transport.produce(channel.topic, values);
    await transport.settled(channel);
    await replica.close();
  }

  async function removeBelow({ topic }: Channel, offset: number, partition = 0): Promise<void> {
    await transport.administer(async (admin) => {
      await admin.fetchTopicOffsets(topic); // kafkajs deletes from topics only that it knows
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    });
  }
});

describe('a topic that was made anew', () => {
  const transport = useTransport();

  it.each([
    ['while nobody read', false],
    ['under a running consumer', true],
  ])('%s is read from its first record, though the group had started and gone further', async (_when, running) => {
    const channel = await transport.channel();
    await transport.produce(channel.topic, numbered('before the start ', 3));
    const seen: string[] = [];
    const first = await transport.replica(channel, (value) => void seen.push(value));
    await transport.produce(channel.topic, numbered('old ', 10));
    await transport.settled(channel);
    if (!running) await first.close();

    await transport.administer((admin) => admin.deleteTopics({ topics: [channel.topic] }));
    await eventually('it is made anew', 20_000, () => made(channel));
    // More than stood there when the group first started, fewer than it had read.
    await eventually('it can be written', 20_000, () => written(channel, numbered('new ', 7)));
    if (!running) await transport.replica(channel, (value) => void seen.push(value));
    await transport.settled(channel);

    expect(seen.slice(10)).toEqual(numbered('new ', 7));
  });

  it('is read from its first record where a commit from beyond its end is left, and commits from there', async () => {
    const channel = await transport.channel();
    const first = await transport.replica(channel, () => undefined);
    await first.close();
    await transport.produce(channel.topic, numbered('', 4));
    await commitFirst(transport.world.topics.kafka, channel.group, channel.topic, new Map([[0, 50]]));

    const seen: string[] = [];
    await transport.replica(channel, (value) => void seen.push(value));
    await eventually('all is read', 20_000, () => seen.length === 4);

    await eventually('the commit is the end again', 20_000, async () => (await transport.committed(channel)) === 4);
  });

  /** Its removal takes the broker a moment. */
  async function made({ topic }: Channel): Promise<boolean> {
    return transport
      .administer((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false }))
      .catch(() => false);
  }

  /** The producer may still know the old topic. */
  async function written({ topic }: Channel, values: string[]): Promise<boolean> {
    return transport.produce(topic, values).then(
      () => true,
      () => false,
    );
  }
});

function lossesOf(replica: CapabilityReplica): LostOffsets[] {
  const lost: LostOffsets[] = [];
  replica.hooks.observe({ offsetsLost: (one) => void lost.push(one) });
  return lost;
}

const offsets = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
