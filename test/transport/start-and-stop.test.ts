// A replica waits for topics that others make without holding up its other groups; and when it is told to stop, what is in
// hand is settled and committed, and its group is left at once.
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../src/platform/failure.js';
import { eventually } from '../support/eventually.js';
import { uniqueName } from '../support/fixtures.js';
import { Gate, inState, numbered, stateOf, useTransport } from '../support/transport.js';

describe('a replica', () => {
  const transport = useTransport();

  it('waits for a topic that is missing while its other groups work', async () => {
    const channel = await transport.channel();
    const missing = { topic: uniqueName('topic'), group: uniqueName('group') };
    const [seen, seenLater]: [string[], string[]] = [[], []];
    const replica = await transport.start(channel, (value) => void seen.push(value), {
      beside: [[missing, (value) => void seenLater.push(value)]],
    });
    await inState(replica, channel, 'joined');
    await transport.produce(channel.topic, ['at once']);
    await transport.settled(channel);
    expect(seen).toEqual(['at once']);
    expect(stateOf(replica, missing)).toBe('starting');

    await transport.world.topics.create(missing.topic, 2);
    await inState(replica, missing, 'joined');
    await transport.produce(missing.topic, ['later'], 1);
    await transport.settled(missing);

    expect(seenLater).toEqual(['later']);
    const made = await transport.administer((admin) =>
      admin.fetchTopicMetadata({ topics: [`${missing.topic}.dlq`, `${missing.topic}.retry`] }),
    );
    expect(made.topics.map(({ partitions }) => partitions.length)).toEqual([2, 2]);
  });

  it('that stops takes nothing new, settles and commits what is under way, and leaves its group', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const seen: string[] = [];
    const replica = await transport.replica(channel, async (value) => {
      await gate.pass();
      seen.push(value);
    });
    await transport.produce(channel.topic, numbered('in hand ', 50));
    await eventually('all are under way', 20_000, () => gate.waiting === 50);

    const closed = replica.close();
    await transport.produce(channel.topic, ['too late']);
    gate.open();
    await closed;

    expect(seen).toEqual(numbered('in hand ', 50));
    expect(await transport.committed(channel)).toBe(50);
    expect(await transport.members(channel)).toEqual([]);
  });

  it('that stops does not wait for ever, and commits only what was settled', async () => {
    const channel = await transport.channel();
    const gate = new Gate();
    const limits = { drainMs: 600 };
    const replica = await transport.replica(channel, (value) => (value === 'endless' ? gate.pass() : undefined), {
      limits,
    });
    await transport.produce(channel.topic, ['quick', 'endless', 'quick']);
    await eventually('it waits', 20_000, () => gate.waiting === 1);

    const stoppedAt = Date.now();
    await replica.close();

    expect(Date.now() - stoppedAt).toBeLessThan(2_500);
    expect(await transport.committed(channel)).toBe(1);
    await eventually('the group is left', 5_000, async () => (await transport.members(channel)).length === 0);
    gate.open();
  });

  it('that stops during an outage does not wait for its end', async () => {
    const channel = await transport.channel();
    let attempts = 0;
    const replica = await transport.replica(channel, () => {
      attempts++;
      throw new TransientError('away');
    });
    await transport.produce(channel.topic, numbered('', 300));
    await eventually('all are waiting for their next attempt', 20_000, () => attempts >= 300);

    const stoppedAt = Date.now();
    await replica.close();

    expect(Date.now() - stoppedAt).toBeLessThan(2_000);
    expect(await transport.committed(channel)).toBe(0);
    expect(await transport.members(channel)).toEqual([]);
  });

  it('can be stopped before it has joined, and while it waits for a topic', async () => {
    const channel = await transport.channel();
    const missing = { topic: uniqueName('topic'), group: uniqueName('group') };
    const replica = await transport.start(channel, () => undefined, { beside: [[missing, () => undefined]] });

    const stoppedAt = Date.now();
    await replica.close();

    expect(Date.now() - stoppedAt).toBeLessThan(4_000);
    expect(replica.transport.states.map(({ state }) => state)).toEqual(['closed', 'closed', 'closed', 'closed']);
    await eventually('the group is left', 10_000, async () => (await transport.members(channel)).length === 0);
  });
});
