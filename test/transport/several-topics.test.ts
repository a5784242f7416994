// Handlers of several topics share one group: one consumer reads them all, and what happens in one topic is no matter of the
// others, though their partitions bear the same numbers.
import { describe, expect, it } from 'vitest';
import { PoisonError, TransientError } from '../../src/platform/failure.js';
import { eventually } from '../support/eventually.js';
import { uniqueName } from '../support/fixtures.js';
import { Gate, inState, numbered, stateOf, useTransport, type Channel } from '../support/transport.js';

describe('a group of two topics', () => {
  const transport = useTransport();

  it('settles and commits each, with its own handler, dead letters and replays', async () => {
    const [one, two] = await twoTopics({ partitions: 2 });
    const [seenOfOne, seenOfTwo]: [string[], string[]] = [[], []];
    const settled = new Map<string, number>();
    const replica = await transport.replica(one, poisoning(seenOfOne), { beside: [[two, poisoning(seenOfTwo)]] });
    replica.hooks.observe({
      settled: ({ topic }, group, outcome) => {
        const name = `${topic === one.topic ? 'one' : 'two'} ${outcome}`;
        if (group === one.group) settled.set(name, (settled.get(name) ?? 0) + 1);
      },
    });

    for (const partition of [0, 1]) {
      await transport.produce(one.topic, [...numbered('of one ', 30), 'poison of one'], partition);
      await transport.produce(two.topic, [...numbered('of two ', 20), 'poison of two'], partition);
    }
    for (const { topic } of [one, two]) await transport.produce(`${topic}.retry`, [`replay of ${topic}`], 1);
    for (const channel of [one, two, retryOf(one), retryOf(two)]) await transport.settled(channel);

    expect(replica.transport.states.map(({ group }) => group)).toEqual([one.group, `${one.group}-retry`]);
    expect(replica.transport.lags().filter(({ records }) => records > 0)).toEqual([]);
    expect(new Set(seenOfOne)).toEqual(new Set([...numbered('of one ', 30), `replay of ${one.topic}`]));
    expect(new Set(seenOfTwo)).toEqual(new Set([...numbered('of two ', 20), `replay of ${two.topic}`]));
    expect(Object.fromEntries(settled)).toEqual({ 'one handled': 60, 'one dead': 2, 'two handled': 40, 'two dead': 2 });
    expect(await deadLetters(one)).toEqual(Array(2).fill('poison of one'));
    expect(await deadLetters(two)).toEqual(Array(2).fill('poison of two'));
  });

  it('goes on with one while the other is held up, and commits nothing past what holds it', async () => {
    const [one, two] = await twoTopics();
    const seen: string[] = [];
    let away = true;
    const handleOne = (value: string): void => {
      if (away && value !== 'good') throw new TransientError('away');
    };
    await transport.replica(one, handleOne, { beside: [[two, (value) => void seen.push(value)]] });

    await transport.produce(one.topic, ['good', ...numbered('held up ', 500)]);
    await transport.produce(two.topic, numbered('', 3_000));
    await transport.settled(two);
    await eventually('what came before is committed', 10_000, async () => (await transport.committed(one)) === 1);

    expect(seen).toHaveLength(3_000);
    expect(await transport.committed(one)).toBe(1);
    away = false;
    await transport.settled(one);
  });

  it('that loses a partition of one to another replica keeps the other; late results of the lost one change nothing', async () => {
    const [one, two] = await twoTopics();
    const gate = new Gate();
    const [byFirst, bySecond]: [string[], string[]] = [[], []];
    const first = await transport.replica(one, gated('one'), { beside: [[two, gated('two')]] });
    const settledByFirst: string[] = [];
    first.hooks.observe({ settled: ({ topic }) => settledByFirst.push(topic) });
    for (const { topic } of [one, two]) await transport.produce(topic, numbered('', 50));
    await eventually('all are under way', 20_000, () => gate.waiting === 100);

    await transport.replica(one, (value) => void bySecond.push(`one ${value}`), {
      beside: [[two, (value) => void bySecond.push(`two ${value}`)]],
    });
    await eventually('the second one has handled what it was given', 20_000, () => bySecond.length === 50);
    await eventually('the first one has begun anew what it kept', 20_000, () => gate.waiting === 150);
    const [lost, kept] = bySecond[0]?.startsWith('one') ? [one, two] : [two, one];
    await transport.settled(lost);
    expect(await transport.committed(kept)).toBe(0);
    gate.open();
    await transport.settled(kept);
    await eventually('the late ones have ended', 10_000, () => gate.waiting === 0);

    expect(settledByFirst).toEqual(Array(50).fill(kept.topic));
    expect(new Set(byFirst).size).toBe(100);
    expect(new Set(bySecond.map((value) => value.split(' ')[0])).size).toBe(1);

    function gated(name: string) {
      return async (value: string): Promise<void> => {
        await gate.pass();
        byFirst.push(`${name} ${value}`);
      };
    }
  });

  it('waits for both; what comes to the one that is there already is not lost meanwhile', async () => {
    const one = await transport.channel();
    const two = { topic: uniqueName('topic'), group: one.group };
    const [seenOfOne, seenOfTwo]: [string[], string[]] = [[], []];
    const replica = await transport.start(one, (value) => void seenOfOne.push(value), {
      beside: [[two, (value) => void seenOfTwo.push(value)]],
    });
    await eventually('the start in the first is decided', 20_000, async () => (await transport.committed(one)) === 0);
    await transport.produce(one.topic, ['meanwhile']);
    expect(stateOf(replica, one)).toBe('starting');

    await transport.world.topics.create(two.topic);
    await inState(replica, one, 'joined');
    await transport.produce(two.topic, ['later']);
    for (const channel of [one, two]) await transport.settled(channel);

    expect([seenOfOne, seenOfTwo]).toEqual([['meanwhile'], ['later']]);
  });

  it('halts as a whole, since one deploy handles both', async () => {
    const [one, two] = await twoTopics();
    const limits = { retryFirstMs: 10, retryMaxMs: 20 };
    const fail = (): Promise<void> => Promise.reject(new Error('bad deploy'));
    const replica = await transport.replica(one, fail, { limits, beside: [[two, fail]] });

    for (const { topic } of [one, two]) await transport.produce(topic, numbered('', 10));
    await inState(replica, one, 'halted');
    await eventually('the group is left', 20_000, async () => (await transport.members(one)).length === 0);

    expect([...(await deadLetters(one)), ...(await deadLetters(two))]).toHaveLength(20);
  });

  async function twoTopics(options: { partitions?: number } = {}): Promise<[Channel, Channel]> {
    const one = await transport.channel(options);
    const { topic } = await transport.channel(options);
    return [one, { topic, group: one.group }];
  }

  async function deadLetters(channel: Channel): Promise<string[]> {
    return (await transport.deadLetters(channel)).map(({ value }) => String(value));
  }
});

const retryOf = ({ topic, group }: Channel): Channel => ({ topic: `${topic}.retry`, group: `${group}-retry` });

function poisoning(seen: string[]) {
  return (value: string): void => {
    if (value.startsWith('poison')) throw new PoisonError('UNKNOWN_CAMPAIGN', 'campaign 7 is unknown');
    seen.push(value);
  };
}
