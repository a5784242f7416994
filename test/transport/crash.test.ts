// kafkajs gives a consumer up for good over many things. The transport builds another, for as long as the fault may pass;
// one that does not pass ends the process, so that its orchestrator hears of it.
import kafkajs from 'kafkajs';
import { afterEach, describe, expect, it } from 'vitest';
import { registerCodecs } from '../../src/platform/kafka/codecs.js';
import { eventually } from '../support/eventually.js';
import { inState, numbered, stateOf, useTransport } from '../support/transport.js';

const { CompressionCodecs, CompressionTypes } = kafkajs;
const LIMITS = { rebuildFirstMs: 20, rebuildMaxMs: 100 };

describe('a consumer that kafkajs gave up', () => {
  const transport = useTransport();
  afterEach(() => {
    registerCodecs();
  });

  it('is built anew until the fault has passed; other groups do not notice, and nothing is lost', async () => {
    // The broker compresses; the client in this process has forgotten how to read it.
    const channel = await transport.channel({ config: { 'compression.type': 'lz4' } });
    const other = await transport.channel();
    const [seen, seenByOther]: [string[], string[]] = [[], []];
    const replica = await transport.replica(channel, (value) => void seen.push(value), {
      limits: { ...LIMITS, rebuildAttempts: 1_000 },
      beside: [[other, (value) => void seenByOther.push(value)]],
    });
    await transport.produce(channel.topic, ['before']);
    await transport.settled(channel);

    const attempts = forgetLz4();
    await transport.produce(channel.topic, numbered('', 50));
    await eventually('several consumers have met it', 20_000, () => attempts.length >= 3);
    await transport.produce(other.topic, ['meanwhile']);
    await transport.settled(other);
    expect(await transport.committed(channel)).toBe(1);
    registerCodecs();
    await inState(replica, channel, 'joined');
    await transport.settled(channel);

    expect(seen).toEqual(['before', ...numbered('', 50)]);
    expect(seenByOther).toEqual(['meanwhile']);
    expect(replica.fatal).toEqual([]);
  });

  it('over and over for something that does not pass is beyond repair, though it joins every time', async () => {
    const channel = await transport.channel({ config: { 'compression.type': 'lz4' } });
    const replica = await transport.replica(channel, () => undefined, { limits: { ...LIMITS, rebuildAttempts: 4 } });

    const attempts = forgetLz4();
    await transport.produce(channel.topic, ['unreadable']);
    await inState(replica, channel, 'beyond repair');

    expect(attempts).toHaveLength(4);
    expect(replica.fatal.map(({ message }) => message)).toEqual([
      expect.stringContaining(`consumer ${channel.group} is beyond repair`),
    ]);
    expect(await transport.members(channel)).toEqual([]);
  });

  it('counts the faults anew when it ran soundly between', async () => {
    const channel = await transport.channel({ config: { 'compression.type': 'lz4' } });
    const limits = { rebuildFirstMs: 300, rebuildAttempts: 3, soundAfterMs: 100 };
    const replica = await transport.replica(channel, () => undefined, { limits });

    for (let round = 0; round < 3; round++) {
      const attempts = forgetLz4();
      await transport.produce(channel.topic, ['unreadable']);
      await eventually('a consumer has met it', 20_000, () => attempts.length >= 1);
      registerCodecs();
      await transport.settled(channel);
      await inState(replica, channel, 'joined');
      const joinedAt = Date.now();
      await eventually('it has run for a while', 5_000, () => Date.now() - joinedAt > 200);
    }

    expect(replica.fatal).toEqual([]);
    expect(stateOf(replica, channel)).toBe('joined');
  });

  it('is not what a bug in the transport itself leads to: that ends the process, with the record uncommitted', async () => {
    const channel = await transport.channel();
    const replica = await transport.replica(channel, () => undefined);
    replica.hooks.observe({
      settled: () => {
        throw new TypeError('a bug in an observer');
      },
    });

    await transport.produce(channel.topic, ['record']);
    await eventually('the process would end', 20_000, () => replica.fatal.length > 0);

    expect(replica.fatal[0]?.message).toBe('a bug in an observer');
    expect(await transport.deadLetters(channel)).toEqual([]);
  });
});

/** Returns a list that grows with each time it is met. */
function forgetLz4(): Date[] {
  const met: Date[] = [];
  CompressionCodecs[CompressionTypes.LZ4] = () => {
    met.push(new Date());
    throw new kafkajs.KafkaJSNotImplemented();
  };
  return met;
}
