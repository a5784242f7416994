import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Patrol } from './patrol.js';

const NEVER_MS = 60 * 60 * 1_000;

/** A patrol whose rounds the test ends, and the errors that it was told of. */
function recorded() {
  const rounds: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const failures: unknown[] = [];
  const patrol = new Patrol(
    NEVER_MS,
    () => new Promise((resolve, reject) => rounds.push({ resolve, reject })),
    (error) => failures.push(error),
  );
  /** Ends the round under way, with an error where there is one. */
  const end = async (error?: Error): Promise<void> => {
    const round = rounds.at(-1);
    if (error === undefined) round?.resolve();
    else round?.reject(error);
    await turn();
  };
  return { patrol, rounds, failures, end };
}

describe('a patrol', () => {
  it('makes a round at once, and again after each pause', async () => {
    let made = 0;
    await new Promise<void>((resolve) => {
      const patrol = new Patrol(
        1,
        async () => {
          await turn();
          if (++made < 3) return;
          void patrol.stop();
          resolve();
        },
        () => undefined,
      );
      patrol.start();
    });

    expect(made).toBe(3);
  });

  it('makes none before it was started, and one at a time however often it is', async () => {
    const { patrol, rounds } = recorded();

    await turn();
    expect(rounds).toHaveLength(0);
    patrol.start();
    patrol.start();
    await turn();

    expect(rounds).toHaveLength(1);
  });

  it('makes the next at once when it is woken', async () => {
    const { patrol, rounds, end } = recorded();

    patrol.start();
    await end();
    expect(rounds).toHaveLength(1);
    patrol.wake();
    await turn();

    expect(rounds).toHaveLength(2);
  });

  it('makes another, and no more, however often it is woken in a round', async () => {
    const { patrol, rounds, end } = recorded();

    patrol.start();
    patrol.wake();
    patrol.wake();
    await turn();
    expect(rounds).toHaveLength(1);
    await end();
    expect(rounds).toHaveLength(2);
    await end();

    expect(rounds).toHaveLength(2);
  });

  it('waits for the round under way when it stops, and makes no more', async () => {
    const { patrol, rounds, end } = recorded();
    let hasStopped = false;

    patrol.start();
    patrol.wake();
    const stopped = patrol.stop().then(() => (hasStopped = true));
    await turn();
    expect(hasStopped).toBe(false);
    await end();
    await stopped;
    patrol.start();
    await turn();

    expect(rounds).toHaveLength(1);
  });

  it('stops at once while it rests, or before it has begun', async () => {
    const [resting, unbegun] = [recorded(), recorded()];
    resting.patrol.start();
    await resting.end();

    await Promise.all([resting.patrol.stop(), unbegun.patrol.stop()]);
    unbegun.patrol.start();
    await turn();

    expect([resting.rounds.length, unbegun.rounds.length]).toEqual([1, 0]);
  });

  it('goes on after a round that failed, and tells of the first one in a row', async () => {
    const { patrol, rounds, failures, end } = recorded();

    const [first, second, third] = ['1', '2', '3'].map((message) => new Error(message));
    patrol.start();
    for (const error of [first, second, undefined, third]) {
      await end(error);
      patrol.wake();
      await turn();
    }

    expect(failures).toEqual([first, third]);
    expect(rounds).toHaveLength(5);
  });

  it('does not tell of a round that fails while it stops', async () => {
    const { patrol, failures, end } = recorded();

    patrol.start();
    const stopped = patrol.stop();
    await end(new Error('closed'));
    await stopped;

    expect(failures).toEqual([]);
  });
});
