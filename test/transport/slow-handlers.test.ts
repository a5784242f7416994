// A handler that takes long, or waits for a lock that somebody else holds, holds up nobody: neither the other records of
// its partition, however many, nor other partitions. What waits is bounded.
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../src/platform/failure.js';
import type { RecordContext } from '../../src/platform/kafka/record-context.js';
import { eventually } from '../support/eventually.js';
import { Gate, numbered, useTransport, type Channel, type Transport } from '../support/transport.js';

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
    await quickOnesOvertake(transport, { parkAfterMs: 100 });
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

describe('a handler that says that it waits', () => {
  const transport = useTransport();
  /** Nobody is found to be slow. */
  const parkAfterMs = 600_000;

  it('makes room at once for the others, however many are under way', async () => {
    await quickOnesOvertake(transport, { parkAfterMs }, (record) => {
      record.waits();
    });
  });

  it('is one of a bounded number', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const pausedNow = pausedPartitions(channel);
    const seen: string[] = [];
    await transport.replica(
      channel,
      async (value, record) => {
        pausedNow.consumer ??= record.getConsumer();
        record.waits();
        await gate.pass();
        seen.push(value);
      },
      { limits: { underWayRecords: 200, parkedRecords: 300, parkAfterMs } },
    );

    await transport.produce(channel.topic, numbered('record ', 3_000));
    await eventually('the partition is paused', 20_000, () => pausedNow.count() === 1);

    expect(gate.waiting).toBeGreaterThanOrEqual(300);
    expect(gate.waiting).toBeLessThanOrEqual(500);
    gate.open();
    await transport.settled(channel);
    expect(seen).toHaveLength(3_000);
    expect(pausedNow.count()).toBe(0);
  });

  it('fails, and is tried again until it is settled', async () => {
    const channel = await transport.channel();
    const attempts = new Map<string, number>();
    const seen: string[] = [];
    await transport.replica(
      channel,
      (value, record) => {
        const attempt = (attempts.get(value) ?? 0) + 1;
        attempts.set(value, attempt);
        record.waits();
        if (attempt < 3) throw new TransientError('still held');
        seen.push(value);
      },
      { limits: { retryFirstMs: 20, underWayRecords: 100, parkedRecords: 200, parkAfterMs } },
    );

    await transport.produce(channel.topic, numbered('', 1_000));
    await transport.settled(channel);

    expect(seen).toHaveLength(1_000);
    expect(new Set(seen).size).toBe(1_000);
    expect(await transport.deadLetters(channel)).toEqual([]);
  });

  it('and loses its partition meanwhile is called by the new owner, and its late result does not count', async () => {
    const channel = await transport.channel({ partitions: 2 });
    const gate = new Gate();
    const [settledByFirst, bySecond]: [number[], string[]] = [[], []];
    const first = await transport.replica(
      channel,
      async (_value, record) => {
        record.waits();
        await gate.pass();
        record.waits(); // too late for those that were taken away
      },
      { limits: { parkAfterMs } },
    );
    first.hooks.observe({ settled: ({ partition }) => settledByFirst.push(partition) });
    for (const partition of [0, 1]) await transport.produce(channel.topic, numbered(`${partition}:`, 300), partition);
    await eventually('all wait', 20_000, () => gate.waiting === 600);

    await transport.replica(channel, (value) => void bySecond.push(value));
    await eventually('the second one has handled what it was given', 20_000, () => bySecond.length === 300);
    await eventually('the first one has begun anew what it kept', 20_000, () => gate.waiting === 900);
    gate.open();
    await transport.settled(channel);

    await eventually('the late ones have ended', 10_000, () => gate.waiting === 0);
    const lost = Number(bySecond[0]?.split(':')[0]);
    expect(settledByFirst).toEqual(Array<number>(300).fill(1 - lost));
    expect(new Set(bySecond).size).toBe(300);
  });

  it('is waited for when the replica stops, and committed', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const replica = await transport.replica(
      channel,
      async (_value, record) => {
        record.waits();
        await gate.pass();
      },
      { limits: { parkAfterMs } },
    );
    await transport.produce(channel.topic, numbered('', 2_000));
    await eventually('all wait', 20_000, () => gate.waiting === 2_000);

    const closed = replica.close();
    gate.open();
    await closed;

    expect(await transport.committed(channel)).toBe(2_000);
    expect(await transport.members(channel)).toEqual([]);
  });

  it('for ever does not keep the replica from stopping, and comes again', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const wait = async (value: string, record: RecordContext): Promise<void> => {
      if (value !== 'endless') return;
      record.waits();
      await gate.pass();
    };
    const replica = await transport.replica(channel, wait, { limits: { drainMs: 600, parkAfterMs } });
    await transport.produce(channel.topic, ['quick', ...Array<string>(150).fill('endless'), 'quick']);
    await eventually('it waits', 20_000, () => gate.waiting === 150);

    const stoppedAt = Date.now();
    await replica.close();
    expect(Date.now() - stoppedAt).toBeLessThan(2_500);
    expect(await transport.committed(channel)).toBe(1);

    const again: string[] = [];
    await transport.replica(channel, (value) => void again.push(value));
    await transport.settled(channel);
    expect(again).toHaveLength(151);
    gate.open();
  });
});

/** Quick records overtake more waiting ones than may be under way at once; nothing is committed past those. */
async function quickOnesOvertake(
  transport: Transport,
  limits: { readonly parkAfterMs: number },
  beforeWaiting: (record: RecordContext) => void = () => undefined,
): Promise<void> {
  const channel = await transport.channel();
  const gate = new Gate();
  const seen: string[] = [];
  await transport.replica(
    channel,
    async (value, record) => {
      if (value.startsWith('waits')) {
        beforeWaiting(record);
        await gate.pass();
      }
      seen.push(value);
    },
    { limits: { underWayRecords: 200, ...limits } },
  );

  await transport.produce(channel.topic, [...numbered('waits ', 900), ...numbered('quick ', 500)]);
  await eventually('all that do not wait are handled', 20_000, () => seen.length === 500);

  expect(gate.waiting).toBe(900);
  expect(await transport.committed(channel)).toBe(0);
  gate.open();
  await transport.settled(channel);
  expect(seen).toHaveLength(1_400);
}

function pausedPartitions({ topic }: Channel) {
  return {
    consumer: undefined as { paused(): { topic: string; partitions: number[] }[] } | undefined,
    count(): number {
      const paused = this.consumer?.paused().find((each) => each.topic === topic);
      return paused?.partitions.length ?? 0;
    },
  };
}
