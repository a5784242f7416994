// A transient failure: the record is tried again with growing pauses for as long as it takes. Nothing is committed past
// it, nothing is dead-lettered, the consumer stays in its group, and goes on by itself.
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../src/platform/failure.js';
import { eventually } from '../support/eventually.js';
import { numbered, useTransport } from '../support/transport.js';

describe('a transient failure', () => {
  const transport = useTransport();

  it('of everything is waited out: growing pauses, no commit, no rejoin, no dead letter, and on by itself', async () => {
    const channel = await transport.channel();
    const attempts: number[] = [];
    const seen: string[] = [];
    let away = true;
    const limits = { retryFirstMs: 50, retryMaxMs: 800 };
    await transport.replica(
      channel,
      (value) => {
        if (value === 'record 0') attempts.push(performance.now());
        if (away) throw new TransientError('the database is away');
        seen.push(value);
      },
      { limits },
    );
    const membersBefore = await transport.members(channel);

    await transport.produce(channel.topic, numbered('record ', 2_000));
    await eventually('the first record was tried eight times', 20_000, () => attempts.length >= 8);

    const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    const tooShort = [50, 100, 200, 400, 800, 800].filter((ms, index) => (pauses[index] ?? 0) < ms - 2);
    expect(tooShort, pauses.join()).toEqual([]);
    expect(pauses[0]).toBeLessThan(400);
    expect(await transport.committed(channel)).toBe(0);
    away = false;
    await transport.settled(channel);
    expect(new Set(seen).size).toBe(2_000);
    expect(seen).toHaveLength(2_000);
    expect(await transport.members(channel)).toEqual(membersBefore);
    expect(await transport.world.deadLetters(channel.topic, () => true)).toEqual([]);
  });

  it('of one record alone lets the others of its partition go on', async () => {
    const channel = await transport.channel();
    const seen: string[] = [];
    let away = true;
    let attempts = 0;
    await transport.replica(
      channel,
      (value) => {
        if (value === 'unlucky' && ++attempts && away) throw new TransientError('its row is locked');
        seen.push(value);
      },
      { limits: { retryFirstMs: 20, retryMaxMs: 100 } },
    );

    await transport.produce(channel.topic, ['lucky ', 'unlucky', ...numbered('other ', 3_000)]);
    await eventually('all others are handled', 20_000, () => seen.length === 3_001);
    await eventually('it was tried again and again', 20_000, () => attempts > 5);

    expect(await transport.committed(channel)).toBe(1);
    away = false;
    await transport.settled(channel);
    expect(seen).toHaveLength(3_002);
  });

  it('of one record alone makes its own pauses grow, whatever the others do', async () => {
    const channel = await transport.channel();
    const attempts: number[] = [];
    let handled = 0;
    let away = true;
    await transport.replica(
      channel,
      (value) => {
        if (value !== 'unlucky') handled++;
        else if (attempts.push(performance.now()) && away) throw new TransientError('its row is locked');
      },
      { limits: { retryFirstMs: 100 } },
    );

    await transport.produce(channel.topic, ['unlucky']);
    while (attempts.length < 4) {
      const before = handled;
      await transport.produce(channel.topic, ['other']);
      await eventually('another one is handled', 10_000, () => handled > before);
    }

    expect((attempts[3] ?? 0) - (attempts[2] ?? 0)).toBeGreaterThanOrEqual(398);
    away = false;
    await transport.settled(channel);
  });

  it('of a few records holds up none that come later, not even until the next attempt', async () => {
    const channel = await transport.channel();
    const seen: string[] = [];
    let attempts = 0;
    let away = true;
    await transport.replica(
      channel,
      (value) => {
        if (value.startsWith('unlucky') && ++attempts && away) throw new TransientError('its row is locked');
        seen.push(value);
      },
      { limits: { retryFirstMs: 5_000 } },
    );

    await transport.produce(channel.topic, ['unlucky', 'unlucky too']);
    await eventually('they have failed', 10_000, () => attempts === 2);
    await transport.produce(channel.topic, ['other']);
    await eventually('the other one is handled', 3_000, () => seen.length === 1);

    expect(attempts).toBe(2);
    away = false;
    await transport.settled(channel);
  });

  it('of a consumer that is then closed leaves the record to the next', async () => {
    const channel = await transport.channel();
    const seen: string[] = [];
    const first = await transport.replica(channel, (value) => {
      if (value !== 'good') throw new TransientError('away');
    });
    await transport.produce(channel.topic, ['good', 'later', 'good']);
    await eventually('the first is committed', 10_000, async () => (await transport.committed(channel)) === 1);
    await first.close();

    await transport.replica(channel, (value) => void seen.push(value));
    await transport.settled(channel);

    expect(seen).toEqual(['later', 'good']);
  });
});
