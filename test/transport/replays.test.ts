// `<topic>.retry` takes records that are tried again. They carry the coordinates of the record that they replay, which are
// believed there and nowhere else.
import type { IHeaders } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { PoisonError } from '../../src/platform/failure.js';
import type { RecordCoordinates } from '../../src/platform/kafka/record-coordinates.js';
import { eventually } from '../support/eventually.js';
import { useTransport, type Channel } from '../support/transport.js';

interface Call {
  readonly value: string;
  readonly topic: string;
  readonly coordinates: Pick<RecordCoordinates, 'topic' | 'partition' | 'offset' | 'timestamp'>;
  readonly priority: string;
}

describe('a replay', () => {
  const transport = useTransport();

  it('is handled by the original handler under the coordinates of its origin, after everything else', async () => {
    const channel = await transport.channel();
    const calls = await listen(channel);

    await replay(
      channel,
      'again',
      origin(channel, { offset: '41', partition: '7', timestamp: '1700000000123', attempt: '1' }),
    );

    expect(calls).toEqual([
      {
        value: 'again',
        topic: `${channel.topic}.retry`,
        coordinates: { topic: channel.topic, partition: 7, offset: 41n, timestamp: 1_700_000_000_123 },
        priority: 'background',
      },
    ]);
  });

  it('is what a record elsewhere cannot pass itself off as', async () => {
    const channel = await transport.channel();
    const calls = await listen(channel);

    await transport.world.produce(channel.topic, [
      { value: 'forged', headers: origin(channel, {}), timestamp: '1234567890123' },
    ]);
    await transport.settled(channel);

    expect(calls[0]?.coordinates).toEqual({
      topic: channel.topic,
      partition: 0,
      offset: 0n,
      timestamp: 1_234_567_890_123,
    });
  });

  it('with broken headers goes by its own coordinates', async () => {
    const channel = await transport.channel();
    const calls = await listen(channel);
    const broken = [
      { topic: 'other-events' },
      { partition: 'one' },
      { offset: '-1' },
      { offset: '9'.repeat(40) },
      { timestamp: '' },
    ];

    for (const changed of broken) await send(channel, 'broken', origin(channel, changed));
    await transport.settled(retryOf(channel));

    expect(calls.map(({ coordinates }) => [coordinates.topic, coordinates.offset])).toEqual(
      broken.map((_, index) => [`${channel.topic}.retry`, BigInt(index)]),
    );
  });

  it('that fails goes to the dead letters of its origin, as the next attempt of the same record', async () => {
    const channel = await transport.channel({ partitions: 2 });
    await listen(channel, () => {
      throw new PoisonError('UNKNOWN_ADVERTISER', 'nobody has that id');
    });
    const headers = {
      ...origin(channel, { partition: '1', offset: '5', attempt: '3', group: channel.group }),
      mine: 'kept',
    };

    await replay(channel, 'again', headers);

    const [letter, ...more] = await transport.deadLetters(channel);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ partition: 1, value: Buffer.from('again') });
    const text = Object.fromEntries(
      Object.entries(letter?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    expect(text).toMatchObject({
      mine: 'kept',
      'dlq-origin-topic': channel.topic,
      'dlq-origin-partition': '1',
      'dlq-origin-offset': '5',
      'dlq-origin-timestamp': '1700000000000',
      'dlq-group': channel.group,
      'dlq-attempt': '4',
      'dlq-error-code': 'UNKNOWN_ADVERTISER',
      'dlq-error-message': 'nobody has that id',
    });
  });

  it('is told as settled before its offset is committed, and told again where that failed', async () => {
    const channel = await transport.channel();
    const told: unknown[] = [];
    let failing = true;
    let calls = 0;
    const countCalls = (): void => {
      calls++;
    };
    const replica = await transport.replica(channel, countCalls, {
      limits: { retryFirstMs: 20, unclassifiedAttempts: 1_000 },
    });
    replica.hooks.replaySettled = {
      replaySettled: (settled, outcome) => {
        told.push([settled, outcome]);
        return failing ? Promise.reject(new Error('connection lost')) : Promise.resolve();
      },
    };

    await send(channel, 'again', origin(channel, { offset: '5', attempt: '1', group: 'the-group' }));
    await eventually('it was told three times', 20_000, () => told.length >= 3);
    expect(await transport.committed(retryOf(channel))).toBe(0);
    failing = false;
    await transport.settled(retryOf(channel));

    expect(calls).toBe(told.length);
    const settled = {
      group: 'the-group',
      attempt: 2,
      origin: { topic: channel.topic, partition: 0, offset: 5n, timestamp: 1.7e12 },
    };
    expect(told).toEqual(Array(told.length).fill([settled, 'handled']));
    expect(await transport.deadLetters(channel)).toEqual([]);
  });

  it('is told as settled also where it is skipped: a tombstone', async () => {
    const channel = await transport.channel();
    const replica = await transport.replica(channel, () => undefined);
    const outcomes: string[] = [];
    replica.hooks.replaySettled = {
      replaySettled: (_replay, outcome) => {
        outcomes.push(outcome);
        return Promise.resolve();
      },
    };

    await replay(channel, null, origin(channel, {}));

    expect(outcomes).toEqual(['skipped']);
  });

  const retryOf = ({ topic, group }: Channel): Channel => ({ topic: `${topic}.retry`, group: `${group}-retry` });

  async function listen(channel: Channel, then: () => void = () => undefined): Promise<Call[]> {
    const calls: Call[] = [];
    await transport.replica(channel, (value, record) => {
      const { topic, partition, offset, timestamp } = record.coordinates;
      calls.push({
        value,
        topic: record.getTopic(),
        coordinates: { topic, partition, offset, timestamp },
        priority: record.priority,
      });
      then();
    });
    return calls;
  }

  async function send({ topic }: Channel, value: string | null, headers: IHeaders): Promise<void> {
    await transport.world.produce(`${topic}.retry`, [{ value, headers, partition: 0 }]);
  }

  async function replay(channel: Channel, value: string | null, headers: IHeaders): Promise<void> {
    await send(channel, value, headers);
    await transport.settled(retryOf(channel));
  }
});

function origin(channel: Channel, changed: Record<string, string>): IHeaders {
  const { group, attempt, ...place }: Record<string, string> = {
    topic: channel.topic,
    partition: '0',
    offset: '9',
    timestamp: '1700000000000',
    ...changed,
  };
  return {
    ...Object.fromEntries(Object.entries(place).map(([name, text]) => [`dlq-origin-${name}`, text])),
    ...(group !== undefined && { 'dlq-group': group }),
    ...(attempt !== undefined && { 'dlq-attempt': attempt }),
  };
}
