// Errors that nobody classified: a single one is tried three times and dead-lettered; after twenty in a row with nothing
// handled between, the deploy is bad rather than the records, and the consumer leaves its group until it works again.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { inState, numbered, stateOf, useTransport, type Channel } from '../support/transport.js';

const LIMITS = { retryFirstMs: 10, retryMaxMs: 20 };

describe('errors that nobody classified', () => {
  const transport = useTransport();

  it('halt the consumer after twenty in a row: the rest is left to a healthy replica', async () => {
    const channel = await transport.channel({ partitions: 3 });
    const told: boolean[] = [];
    const bad = await transport.replica(channel, () => Promise.reject(new Error('bad deploy')), { limits: LIMITS });
    bad.hooks.observe({ halted: (group, halted) => group === channel.group && told.push(halted) });

    for (const partition of [0, 1, 2])
      await transport.produce(channel.topic, numbered(`${partition}:`, 150), partition);
    await inState(bad, channel, 'halted');
    await eventually('the group is left', 20_000, async () => (await transport.members(channel)).length === 0);

    const buried = await deadLetters(channel);
    expect(buried.length).toBe(20);
    expect(told).toEqual([true]);

    const seen: string[] = [];
    await transport.replica(channel, (value) => void seen.push(value));
    await transport.settled(channel);
    expect(await deadLetters(channel)).toHaveLength(20);
    expect([...seen, ...buried].sort()).toEqual([0, 1, 2].flatMap((one) => numbered(`${one}:`, 150)).sort());
    expect(stateOf(bad, channel)).toBe('halted');
  });

  it('are looked into by a probe, which buries nothing, and resumes when the handler is mended', async () => {
    const channel = await transport.channel({ partitions: 2 });
    const told: boolean[] = [];
    const seen: string[] = [];
    let mended = false;
    let calls = 0;
    const replica = await transport.replica(
      channel,
      (value) => {
        calls++;
        if (!mended) throw new Error('bad deploy');
        seen.push(value);
      },
      { limits: { ...LIMITS, probeEveryMs: 700 } },
    );
    replica.hooks.observe({ halted: (group, halted) => group === channel.group && told.push(halted) });

    for (const partition of [0, 1]) await transport.produce(channel.topic, numbered(`${partition}:`, 200), partition);
    await inState(replica, channel, 'halted');
    await eventually('the group is left', 20_000, async () => (await transport.members(channel)).length === 0);
    const callsAtHalt = calls;
    await eventually('it has probed three times', 30_000, () => calls >= callsAtHalt + 9);
    // One record of each partition at most, three attempts each.
    expect(calls - callsAtHalt).toBeLessThanOrEqual(3 * 2 * 3);
    expect(stateOf(replica, channel)).toBe('halted');
    const buried = await deadLetters(channel);
    expect(buried).toHaveLength(20);
    mended = true;

    await inState(replica, channel, 'joined');
    await transport.settled(channel);
    expect(told).toEqual([true, false]);
    expect(await deadLetters(channel)).toEqual(buried);
    expect([...new Set([...seen, ...buried])].sort()).toEqual([0, 1].flatMap((one) => numbered(`${one}:`, 200)).sort());
    expect(seen.filter((value) => buried.includes(value))).toEqual([]);
  });

  it('do not halt the consumer with a success between: nineteen, one, nineteen', async () => {
    const channel = await transport.channel();
    const replica = await transport.replica(
      channel,
      (value) => {
        if (value.startsWith('bad')) throw new Error('a bug');
      },
      { limits: LIMITS },
    );

    await transport.produce(channel.topic, numbered('bad ', 19));
    await transport.settled(channel);
    await transport.produce(channel.topic, ['good']);
    await transport.settled(channel);
    await transport.produce(channel.topic, numbered('bad ', 19, 19));
    await transport.settled(channel);

    expect(stateOf(replica, channel)).toBe('joined');
    expect((await deadLetters(channel)).sort()).toEqual(numbered('bad ', 38).sort());
  });

  it('are tried three times, then dead-lettered as HANDLER_ERROR with their message', async () => {
    const channel = await transport.channel();
    const attempts = new Map<string, number>();
    await transport.replica(
      channel,
      (value) => {
        const attempt = (attempts.get(value) ?? 0) + 1;
        attempts.set(value, attempt);
        if (value === 'always') throw new TypeError('x is not a function');
        if (value === 'twice' && attempt < 3) throw new Error('by chance');
      },
      { limits: LIMITS },
    );

    await transport.produce(channel.topic, ['always', 'twice', 'never']);
    await transport.settled(channel);

    expect(Object.fromEntries(attempts)).toEqual({ always: 3, twice: 3, never: 1 });
    const letters = await transport.world.deadLetters(channel.topic, () => true);
    expect(letters.map(({ value, headers }) => [String(value), String(headers['dlq-error-code'])])).toEqual([
      ['always', 'HANDLER_ERROR'],
    ]);
    expect(String(letters[0]?.headers['dlq-error-message'])).toBe('x is not a function');
  });

  async function deadLetters({ topic }: Channel): Promise<string[]> {
    return (await transport.world.deadLetters(topic, () => true)).map(({ value }) => String(value));
  }
});
