// A partition is taken away while its records are under way: what comes of them late neither commits nor harms, and no
// record is left unhandled.
import { describe, expect, it } from 'vitest';
import { setTimeout as pause } from 'node:timers/promises';
import { PoisonError } from '../../src/platform/failure.js';
import { eventually } from '../support/eventually.js';
import { Gate, numbered, useTransport, type Channel } from '../support/transport.js';

const PARTITIONS = [0, 1, 2, 3];

describe('a rebalance', () => {
  const transport = useTransport();

  it('gives what is under way to the new owner, and the late results of the old one change nothing', async () => {
    const channel = await transport.channel({ partitions: 4 });
    const gate = new Gate();
    const [byFirst, bySecond]: [string[], string[]] = [[], []];
    const first = await transport.replica(channel, async (value) => {
      await gate.pass();
      byFirst.push(value);
      if (value.endsWith(':7')) throw new PoisonError('UNKNOWN_CAMPAIGN', 'as the first one sees it');
    });
    const settledByFirst: string[] = [];
    first.hooks.observe({
      settled: ({ partition }, _group, outcome) => settledByFirst.push(`${partition} ${outcome}`),
    });
    for (const partition of PARTITIONS)
      await transport.produce(channel.topic, numbered(`${partition}:`, 50), partition);
    await eventually('all are under way', 20_000, () => gate.waiting === 200);

    await transport.replica(channel, (value) => void bySecond.push(value));
    await eventually('the second one has handled what it was given', 20_000, () => bySecond.length === 100);
    await eventually('and committed it', 20_000, async () => (await endsReached(channel)) === 2);
    await eventually('the first one has begun anew what it kept', 20_000, () => gate.waiting === 300);
    gate.open();
    await transport.settled(channel);

    // The first ended what it had begun, but only what is still its own counts or becomes a dead letter.
    await eventually('the late ones have ended', 10_000, () => gate.waiting === 0);
    expect(new Set(byFirst).size).toBe(200);
    const lost = new Set(bySecond.map((value) => value.split(':')[0]));
    const kept = PARTITIONS.map(String).filter((partition) => !lost.has(partition));
    expect(settledByFirst.sort()).toEqual(
      kept.flatMap((partition) => [`${partition} dead`, ...Array<string>(49).fill(`${partition} handled`)]),
    );
    const letters = await transport.deadLetters(channel);
    expect(letters.map(({ value }) => String(value)).sort()).toEqual(kept.map((partition) => `${partition}:7`));
    expect(await endsReached(channel)).toBe(4);
  });

  it('after which a partition comes back does not commit what an older assignment settled late', async () => {
    const channel = await transport.channel({ partitions: 2 });
    const gate = new Gate();
    const calls: string[] = [];
    const first = await transport.replica(
      channel,
      async (value) => {
        calls.push(value);
        if (value === 'waits') await gate.pass();
      },
      { limits: { handOverMs: 50 } },
    );
    for (const partition of [0, 1]) await transport.produce(channel.topic, ['waits', 'quick'], partition);
    await eventually('both wait', 20_000, () => gate.waiting === 2);

    const second = await transport.replica(
      channel,
      async (value) => {
        if (value === 'waits') await gate.pass();
      },
      { limits: { drainMs: 300 } },
    );
    await eventually('the second one has a partition, the first one anew the other', 20_000, () => gate.waiting === 4);
    await second.transport.close();
    await first.joined();
    await eventually('what was not committed is handled anew', 20_000, () => calls.length === 10);

    expect([await transport.committed(channel, 0), await transport.committed(channel, 1)]).toEqual([0, 0]);
    gate.open();
    await transport.settled(channel);
  });

  it('while replicas come and go under load leaves no record unhandled, and no commit moves backwards', async () => {
    const channel = await transport.channel({ partitions: 4 });
    const seen = new Set<string>();
    const handle = async (value: string): Promise<void> => {
      await pause(Number(value.split(':')[1]) % 20);
      seen.add(value);
    };
    const watch = new CommitWatch(() => transport.world.topics.committed(channel.group, channel.topic));
    await transport.replica(channel, handle);
    let [produced, loading] = [0, true];
    const load = (async () => {
      while (loading) {
        const values = numbered(':', 25, produced);
        await transport.produce(channel.topic, values, PARTITIONS[(produced / 25) % 4]);
        produced += 25;
        await watch.look();
      }
    })();

    for (let round = 0; round < 3; round++) {
      const other = await transport.replica(channel, handle);
      const [seenThen, wanted] = [seen.size, 100];
      await eventually('both have done something', 20_000, () => seen.size >= seenThen + wanted);
      await other.close();
      await eventually('it goes on', 20_000, () => seen.size >= seenThen + 2 * wanted);
    }
    loading = false;
    await load;
    await transport.settled(channel);

    expect([...numbered(':', produced)].filter((value) => !seen.has(value))).toEqual([]);
    expect(watch.steppedBack).toEqual([]);
  });

  async function endsReached(channel: Channel): Promise<number> {
    const committed = await transport.world.topics.committed(channel.group, channel.topic);
    return [...committed.values()].filter((offset) => offset === 50n).length;
  }
});

/** Committed offsets as they are seen from outside. */
class CommitWatch {
  readonly steppedBack: string[] = [];
  private readonly highest = new Map<number, bigint>();

  constructor(private readonly committed: () => Promise<Map<number, bigint>>) {}

  async look(): Promise<void> {
    for (const [partition, offset] of await this.committed()) {
      const before = this.highest.get(partition) ?? -1n;
      if (offset < before) this.steppedBack.push(`${partition}: ${before} -> ${offset}`);
      this.highest.set(partition, offset);
    }
  }
}
