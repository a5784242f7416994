// Poison goes to `<topic>.dlq` at once and whole, and the rest of its batch goes on. What is too large for its topic is
// kept elsewhere before anything is committed.
import { describe, expect, it } from 'vitest';
import { PoisonError } from '../../src/platform/failure.js';
import type { DeadLetter } from '../../src/platform/kafka/dead-letter.js';
import { eventually } from '../support/eventually.js';
import { numbered, useTransport, type Channel } from '../support/transport.js';

const KIB = 1024;

describe('dead letters', () => {
  const transport = useTransport();

  it('are written while the rest of their batch goes on, each to the partition it came from', async () => {
    const channel = await transport.channel({ partitions: 3 });
    const seen: string[] = [];
    await transport.replica(
      channel,
      poisoning((value) => void seen.push(value)),
    );

    for (const partition of [0, 1, 2]) {
      await transport.produce(channel.topic, ['good', 'poison', 'good', 'poison', 'good'], partition);
    }
    await transport.settled(channel);

    expect(seen).toEqual(Array<string>(9).fill('good'));
    const letters = await transport.deadLetters(channel);
    expect(letters.map(({ partition, headers }) => [partition, String(headers['dlq-origin-offset'])]).sort()).toEqual(
      [0, 1, 2].flatMap((partition) => ['1', '3'].map((offset) => [partition, offset])),
    );
    expect(letters.map(({ headers }) => String(headers['dlq-error-code']))).toEqual(Array(6).fill('UNKNOWN_CAMPAIGN'));
  });

  it('that are nearly as large as their topic takes still fit, headers and all', async () => {
    const channel = await transport.channel({ config: { 'max.message.bytes': String(100 * KIB) } });
    await transport.replica(channel, poisoning());
    const value = `poison ${'x'.repeat(90 * KIB)}`;
    const headers = { large: 'y'.repeat(8 * KIB) };

    await transport.world.produce(channel.topic, [{ value, headers, partition: 0 }]);
    await transport.settled(channel);

    const [letter] = await transport.deadLetters(channel);
    expect(String(letter?.value) === value).toBe(true);
    expect(letter?.headers).toMatchObject({ large: Buffer.from(headers.large) });
  });

  it.each([
    ['one send may have', 1_024],
    ['their topic takes at once', 200],
  ])('that come together in more bytes than %s are all written', async (_limit, kibibytes) => {
    const channel = await transport.channel({ config: { 'max.message.bytes': String(kibibytes * KIB) } });
    await transport.replica(channel, poisoning());
    const values = numbered(`poison ${'x'.repeat(60 * KIB)} `, 24);

    for (let at = 0; at < values.length; at += 3) await transport.produce(channel.topic, values.slice(at, at + 3));
    await transport.settled(channel);

    const letters = await transport.deadLetters(channel);
    expect(letters.map(({ value }) => String(value).slice(-3)).sort()).toEqual(
      values.map((value) => value.slice(-3)).sort(),
    );
  });

  it('keep odd headers, keys and values', async () => {
    const channel = await transport.channel();
    await transport.replica(channel, () =>
      Promise.reject(new PoisonError('UNKNOWN_CAMPAIGN', 'as \u0000 "ever" \u{1f4a5}')),
    );
    const headers = {
      toString: 'a member of Object.prototype',
      constructor: ['first', 'second'],
      hasOwnProperty: '',
      empty: '',
      binary: Buffer.from([0, 255, 254]),
      repeated: ['1', '2', '1'],
      'dlq-kept-in': 'a lie',
      'dlq-attempt': '7',
      '': 'no name',
    };
    const value = Buffer.from([0xff, 0x00, 0xc3]);

    await transport.world.produce(channel.topic, [{ key: null, value, headers, partition: 0 }]);
    await transport.world.produce(channel.topic, [{ key: '', value: '', partition: 0 }]);
    await transport.settled(channel);

    const [odd, empty] = await transport.deadLetters(channel);
    const named = (name: string): unknown =>
      [odd?.headers[name]]
        .flat()
        .filter((each) => typeof each !== 'function')
        .map(String);
    expect(named('toString')).toEqual(['a member of Object.prototype']);
    expect(named('constructor')).toEqual(['first', 'second']);
    expect(named('hasOwnProperty')).toEqual(['']);
    expect(named('repeated')).toEqual(['1', '2', '1']);
    expect(named('')).toEqual(['no name']);
    expect(odd?.headers).toMatchObject({
      binary: headers.binary,
      empty: Buffer.alloc(0),
      'dlq-attempt': Buffer.from('1'),
    });
    expect(odd?.headers).not.toHaveProperty('dlq-kept-in');
    expect([odd?.key, odd?.value]).toEqual([null, value]);
    expect([empty?.key, empty?.value]).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
  });

  it('do not come of tombstones: these are skipped', async () => {
    const channel = await transport.channel();
    const calls: string[] = [];
    await transport.replica(channel, (value) => void calls.push(value));

    await transport.world.produce(channel.topic, [{ key: 'gone', value: null }, 'there']);
    await transport.settled(channel);

    expect(calls).toEqual(['there']);
    expect(await transport.deadLetters(channel)).toEqual([]);
  });
});

describe('a dead letter that is too large for a topic somebody else made', () => {
  const transport = useTransport();

  it('is kept whole first, then stands as a stub, and only then its offset is committed', async () => {
    const channel = await smallDeadLetterTopic();
    const replica = await transport.replica(channel, poisoning());
    const kept: DeadLetter[] = [];
    let failing = true;
    let calls = 0;
    replica.hooks.oversized = {
      keep: (letter) => {
        calls++;
        if (failing) return Promise.reject(new Error('the database is away'));
        kept.push(letter);
        return Promise.resolve();
      },
    };
    const value = `poison ${'x'.repeat(20 * KIB)}`;

    await transport.world.produce(channel.topic, [
      { key: 'k'.repeat(9 * KIB), value, headers: { origin: 'here' }, partition: 0 },
      { value: 'poison small', partition: 0 },
      { value: 'good', partition: 0 },
    ]);
    await eventually('keeping it was tried three times', 20_000, () => calls >= 3);
    const [small, ...none] = await transport.deadLetters(channel);
    expect([String(small?.value), none]).toEqual(['poison small', []]);
    expect(await transport.committed(channel)).toBe(0);
    failing = false;
    await transport.settled(channel);

    expect(kept).toMatchObject([
      { group: channel.group, attempt: 1, code: 'UNKNOWN_CAMPAIGN', origin: { partition: 0, offset: 0n } },
    ]);
    expect([kept[0]?.value?.toString() === value, kept[0]?.key?.length]).toEqual([true, 9 * KIB]);
    expect(kept[0]?.headers.map(([name, text]) => [name, String(text)])).toEqual([['origin', 'here']]);
    const stub = (await transport.deadLetters(channel)).find(({ headers }) => 'dlq-kept-in' in headers);
    expect(stub).toMatchObject({ value: Buffer.alloc(0), key: null });
    expect(stub?.headers).toMatchObject({
      'dlq-kept-in': Buffer.from('dead_letters'),
      'dlq-origin-topic': Buffer.from(channel.topic),
      'dlq-origin-offset': Buffer.from('0'),
      'dlq-error-code': Buffer.from('UNKNOWN_CAMPAIGN'),
    });
  });

  it('lets those that came with it through', async () => {
    const channel = await smallDeadLetterTopic();
    const replica = await transport.replica(channel, poisoning());
    let kept = 0;
    replica.hooks.oversized = {
      keep: () => {
        kept++;
        return Promise.resolve();
      },
    };

    await transport.produce(channel.topic, [
      ...numbered('poison ', 5),
      `poison ${'x'.repeat(20 * KIB)}`,
      ...numbered('poison ', 5, 5),
    ]);
    await transport.settled(channel);

    const letters = await transport.deadLetters(channel);
    expect(kept).toBe(1);
    expect(letters).toHaveLength(11);
    expect(new Set(letters.map(({ headers }) => String(headers['dlq-origin-offset']))).size).toBe(11);
  });

  async function smallDeadLetterTopic(): Promise<Channel> {
    const channel = await transport.channel();
    await transport.world.topics.create(`${channel.topic}.dlq`, 1, [
      { name: 'max.message.bytes', value: String(8 * KIB) },
    ]);
    return channel;
  }
});

function poisoning(good: (value: string) => void = () => undefined) {
  return (value: string): void => {
    if (value.startsWith('poison')) throw new PoisonError('UNKNOWN_CAMPAIGN', 'campaign 7 is unknown');
    good(value);
  };
}
