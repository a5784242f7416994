import { Logger } from '@nestjs/common';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TransientError } from '../failure.js';
import type { DatabaseLifecycle } from './database-lifecycle.js';
import { Patrols } from './patrols.js';

const NEVER_MS = 60 * 60 * 1_000;

/** Patrols of a Worker whose database becomes ready, or does not, when the test says so. */
function aWorker() {
  let become!: () => void;
  let refuse!: (error: Error) => void;
  const ready = new Promise<void>((resolve, reject) => {
    become = resolve;
    refuse = reject;
  });
  const patrols = new Patrols({ ready: () => ready } as DatabaseLifecycle);
  return { patrols, become, refuse };
}

describe('patrols', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('begin when the Worker has started and the database is ready', async () => {
    const { patrols, become } = aWorker();
    const rounds: string[] = [];
    for (const name of ['a', 'b']) patrols.add(NEVER_MS, 'failed', () => Promise.resolve(void rounds.push(name)));

    patrols.onApplicationBootstrap();
    await turn();
    expect(rounds).toEqual([]);
    become();
    await turn();

    expect(rounds).toEqual(['a', 'b']);
  });

  it('begin nothing where the Worker stops before that', async () => {
    const { patrols, refuse } = aWorker();
    const round = vi.fn(() => Promise.resolve());
    patrols.add(NEVER_MS, 'failed', round);

    patrols.onApplicationBootstrap();
    patrols.onModuleDestroy();
    refuse(new TransientError('the Worker stops'));
    await patrols.beforeApplicationShutdown();

    expect(round).not.toHaveBeenCalled();
  });

  it('say in the log what failed, without what drivers add to their messages', async () => {
    const { patrols, become } = aWorker();
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    patrols.add(NEVER_MS, 'nothing watched', () => Promise.reject(new Error('away\nselect secret')));

    patrols.onApplicationBootstrap();
    become();
    await turn();

    expect(warn.mock.calls).toEqual([[{ msg: 'nothing watched', error: 'away' }]]);
  });

  it('all stop at once, and are waited for later', async () => {
    const { patrols, become } = aWorker();
    const ends: (() => void)[] = [];
    const all = [1, 2].map(() => patrols.add(NEVER_MS, 'failed', () => new Promise((resolve) => ends.push(resolve))));
    patrols.onApplicationBootstrap();
    become();
    await turn();

    patrols.onModuleDestroy();
    expect(all.map(({ isStopping }) => isStopping)).toEqual([true, true]);
    let isOver = false;
    const over = patrols.beforeApplicationShutdown().then(() => (isOver = true));
    ends[0]?.();
    await turn();
    expect(isOver).toBe(false);
    ends[1]?.();
    await over;

    expect(ends).toHaveLength(2);
  });
});
