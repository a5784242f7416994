// A handler of dead letters gets those of every topic that its replica reads, whatever they are. Nothing takes a dead letter
// that fails: it is tried again until it is handled, and nothing is committed past it.
import { describe, expect, it } from 'vitest';
import { PoisonError } from '../../src/platform/failure.js';
import type { RecordContext } from '../../src/platform/kafka/record-context.js';
import { eventually } from '../support/eventually.js';
import { uniqueName } from '../support/fixtures.js';
import { inState, numbered, stateOf, useTransport, type Channel } from '../support/transport.js';

interface Letter {
  readonly topic: string;
  readonly key: string | undefined;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [string, string])[];
}

const LIMITS = { retryFirstMs: 10, retryMaxMs: 40 };

describe('a handler of dead letters', () => {
  const transport = useTransport();

  it('gets those of every topic, with bytes, key and headers, in a group that has no companions', async () => {
    const [one, two] = [await transport.channel({ partitions: 3 }), await transport.channel()];
    const dead = uniqueName('dead');
    const letters: Letter[] = [];
    const replica = await transport.replica(one, refuse, {
      beside: [[two, refuse]],
      deadLetters: [dead, (value, record) => void letters.push(letterOf(value, record))],
    });

    const value = Buffer.from([0xff, 0x00, 0xc3]);
    const headers = { binary: Buffer.from([0, 255]), repeated: ['1', '2', '1'], empty: '' };
    await transport.world.produce(one.topic, [
      { key: 'bytes', value, headers, partition: 2 },
      { key: 'empty', value: '', partition: 0 },
    ]);
    await transport.world.produce(two.topic, [{ key: null, value: 'of two', partition: 0 }]);
    // A tombstone among dead letters is one too: somebody may replay it.
    await transport.world.produce(`${two.topic}.dlq`, [{ key: 'tombstone', value: null, partition: 0 }]);
    for (const channel of [one, two]) await transport.settled(channel);
    for (const { topic } of [one, two]) await transport.settled({ topic: `${topic}.dlq`, group: dead });

    expect(letters).toHaveLength(4);
    const found = (key: string | undefined): Letter | undefined => letters.find((letter) => letter.key === key);
    expect(found('bytes')).toMatchObject({ topic: `${one.topic}.dlq`, value });
    expect(found('bytes')?.headers.filter(([name]) => !name.startsWith('dlq-'))).toEqual([
      ['binary', Buffer.from([0, 255]).toString()],
      ['repeated', '1'],
      ['repeated', '2'],
      ['repeated', '1'],
      ['empty', ''],
    ]);
    expect(found('bytes')?.headers).toContainEqual(['dlq-origin-partition', '2']);
    expect(found('empty')).toMatchObject({ topic: `${one.topic}.dlq`, value: Buffer.alloc(0) });
    expect(found(undefined)).toMatchObject({ topic: `${two.topic}.dlq`, value: Buffer.from('of two') });
    expect(found('tombstone')).toMatchObject({ topic: `${two.topic}.dlq`, value: null });
    expect(replica.transport.states.map(({ group }) => group)).toEqual(
      [one.group, two.group].flatMap((group) => [group, `${group}-retry`]).concat(dead),
    );
    expect(await companionsOf(one, two)).toEqual([]);
  });

  it('that fails, whatever it throws, gets them again and again; the others go on, and none is committed past it', async () => {
    const channel = await transport.channel();
    const dead = { topic: `${channel.topic}.dlq`, group: uniqueName('dead') };
    const calls = new Map<string, number>();
    const retried: string[] = [];
    let mended = false;
    const replica = await transport.replica(channel, refuse, {
      limits: LIMITS,
      deadLetters: [
        dead.group,
        (value) => {
          const text = String(value);
          calls.set(text, (calls.get(text) ?? 0) + 1);
          if (!mended && text === 'poison') throw new PoisonError('INVALID_EVENT', 'no letter of mine');
          if (!mended && text === 'bug') throw new TypeError('x is not a function');
        },
      ],
    });
    replica.hooks.observe({ retried: (group, cause) => group === dead.group && retried.push(cause) });

    await transport.produce(channel.topic, ['first', 'poison', 'bug', ...numbered('later ', 300)]);
    await eventually('both were tried often', 20_000, () =>
      ['poison', 'bug'].every((key) => (calls.get(key) ?? 0) > 25),
    );
    await eventually('the others are handled', 20_000, () => calls.size === 303);
    await eventually('what came before is committed', 10_000, async () => (await transport.committed(dead)) === 1);

    expect(stateOf(replica, dead)).toBe('joined');
    expect(new Set(retried)).toEqual(new Set(['transient', 'unclassified']));
    mended = true;
    await transport.settled(dead);
    expect([...calls.values()].filter((count) => count > 1)).toHaveLength(2);
    expect(await transport.deadLetters(channel)).toHaveLength(303);
    expect(await companionsOf(channel)).toEqual([]);
  });

  it('that fails for all of them halts: a healthy replica has them, and it goes on when it is mended', async () => {
    const channel = await transport.channel();
    const dead = { topic: `${channel.topic}.dlq`, group: uniqueName('dead') };
    const handled = new Set<string>();
    let mended = false;
    const replica = await transport.replica(channel, refuse, {
      limits: { ...LIMITS, probeEveryMs: 700 },
      deadLetters: [
        dead.group,
        (value) => {
          if (!mended) throw new Error('bad deploy');
          handled.add(String(value));
        },
      ],
    });

    await transport.produce(channel.topic, numbered('', 60));
    await inState(replica, dead, 'halted');
    await eventually('the group is left', 20_000, async () => (await transport.members(dead)).length === 0);
    expect(stateOf(replica, channel)).toBe('joined');
    expect(await transport.committed(dead)).toBe(0);
    mended = true;
    await inState(replica, dead, 'joined');
    await transport.settled(dead);

    expect(handled.size).toBe(60);
    expect(await transport.deadLetters(channel)).toHaveLength(60);
    expect(await companionsOf(channel)).toEqual([]);
  });

  it('gets those of a topic that is added later from the first, while replicas without it still run', async () => {
    const [one, added] = [await transport.channel(), await transport.channel()];
    const dead = uniqueName('dead');
    const ofAdded = { topic: `${added.topic}.dlq`, group: dead };
    const ofOne = { topic: `${one.topic}.dlq`, group: dead };
    const [byOld, byNew]: [string[], string[]] = [[], []];
    const old = await transport.replica(one, refuse, {
      deadLetters: [dead, (value) => void byOld.push(String(value))],
    });
    await transport.produce(one.topic, ['before']);
    await transport.settled(one);
    await transport.settled(ofOne);
    await transport.world.topics.create(ofAdded.topic);
    await transport.produce(ofAdded.topic, ['early']);

    await transport.replica(one, refuse, {
      beside: [[added, refuse]],
      deadLetters: [dead, (value) => void byNew.push(String(value))],
    });
    await transport.produce(added.topic, ['added']);
    await transport.produce(one.topic, ['meanwhile']);
    for (const channel of [one, added, ofOne, ofAdded]) await transport.settled(channel);
    await old.close();
    await transport.produce(one.topic, ['after']);
    for (const channel of [one, ofOne]) await transport.settled(channel);

    expect(byNew.filter((value) => ['early', 'added'].includes(value))).toEqual(['early', 'added']);
    expect([...byOld, ...byNew].sort()).toEqual(['added', 'after', 'before', 'early', 'meanwhile']);
    expect(byNew).toContain('after');
  });

  /** What no dead-letter topic may have: dead letters and replays of its own. */
  async function companionsOf(...channels: Channel[]): Promise<string[]> {
    const topics = await transport.admin.listTopics();
    return topics.filter((topic) => channels.some((channel) => topic.startsWith(`${channel.topic}.dlq.`)));
  }
});

function refuse(value: string): void {
  throw new PoisonError('UNKNOWN_CAMPAIGN', `nothing is known of ${value}`);
}

function letterOf(value: Buffer | null, { record }: RecordContext): Letter {
  const headers = record.headers.map(([name, bytes]) => [name, bytes.toString()] as const);
  return { topic: record.topic, key: record.key?.toString(), value: value && Buffer.from(value), headers };
}
