// A handler that takes long, or waits for a lock that somebody else holds, holds up nobody: neither the other records of
// its partition, however many, nor other partitions. What waits is bounded.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Gate, numbered, useTransport, type Channel } from '../support/transport.js';

describe('a handler that waits', () => {
  const transport = useTransport();

  it('holds up neither thousands of others of its partition nor another partition; only the commit stops at it', async () => {
    const channel = await transport.channel({ partitions: 2 });
    const gate = new Gate();
    const seen: string[] = [];
    await transport.replica(channel, async (value) => {
      if (value === 'waits') await gate.pass();
      seen.push(value);
    });

    await transport.produce(channel.topic, ['before ', 'waits', ...numbered('quick ', 3_000)], 0);
    await transport.produce(channel.topic, numbered('elsewhere ', 100), 1);
    await eventually('all but the one that waits are handled', 20_000, () => seen.length === 3_101);
    await eventually(
      'the other partition is committed',
      10_000,
      async () => (await transport.committed(channel, 1)) === 100,
    );

    expect(await transport.committed(channel, 0)).toBe(1);
    gate.open();
    await transport.settled(channel);
    expect(new Set(seen).size).toBe(3_102);
  });

  it('holds up nobody even with more like it than are under way at once', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const seen: string[] = [];
    const limits = { underWayRecords: 200, parkAfterMs: 100 };
    await transport.replica(
      channel,
      async (value) => {
        if (value.startsWith('waits')) await gate.pass();
        seen.push(value);
      },
      { limits },
    );

    await transport.produce(channel.topic, [...numbered('waits ', 900), ...numbered('quick ', 500)]);
    await eventually('all that do not wait are handled', 20_000, () => seen.length === 500);

    expect(gate.waiting).toBe(900);
    expect(await transport.committed(channel)).toBe(0);
    gate.open();
    await transport.settled(channel);
    expect(seen).toHaveLength(1_400);
  });

  it('is one of a bounded number: beyond it the partition is paused, until there is room again', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const pausedNow = pausedPartitions(channel);
    const seen: string[] = [];
    const limits = { underWayRecords: 200, parkedRecords: 300, parkAfterMs: 100, fetchBytesPerPartition: 16_384 };
    await transport.replica(
      channel,
      async (value, record) => {
        pausedNow.consumer ??= record.getConsumer();
        await gate.pass();
        seen.push(value);
      },
      { limits },
    );

    // Batches of their own, so that one fetch does not bring them all.
    for (let at = 0; at < 5_000; at += 100) await transport.produce(channel.topic, numbered('record ', 100, at));
    await eventually('all slots are taken', 20_000, () => gate.waiting >= 300);
    await eventually('the partition is paused', 20_000, () => pausedNow.count() === 1);

    expect(gate.waiting).toBeLessThanOrEqual(500);
    gate.open();
    await transport.settled(channel);
    expect(new Set(seen).size).toBe(5_000);
    expect(pausedNow.count()).toBe(0);
  });

  it('lets only so many be settled ahead of it: each is remembered until the commit has passed', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const pausedNow = pausedPartitions(channel);
    const seen: string[] = [];
    await transport.replica(
      channel,
      async (value, record) => {
        pausedNow.consumer ??= record.getConsumer();
        if (value === 'waits') await gate.pass();
        seen.push(value);
      },
      { limits: { uncommittedRecords: 1_000, parkAfterMs: 100 } },
    );

    await transport.produce(channel.topic, ['waits', ...numbered('quick ', 3_000)]);
    await eventually('the partition is paused', 20_000, () => pausedNow.count() === 1);

    // A chunk is started whole.
    expect(seen.length).toBeLessThan(1_100);
    gate.open();
    await transport.settled(channel);
    expect(new Set(seen).size).toBe(3_001);
  });
});

function pausedPartitions({ topic }: Channel) {
  return {
    consumer: undefined as { paused(): { topic: string; partitions: number[] }[] } | undefined,
    count(): number {
      const paused = this.consumer?.paused().find((each) => each.topic === topic);
      return paused?.partitions.length ?? 0;
    },
  };
}
