import fc from 'fast-check';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OwnConnection } from '../platform/database/own-connection.js';
import { BackgroundPace } from './background-pace.js';
import type { GroupPoster } from './group-poster.js';
import { Lane } from './lane.js';
import type { PendingPosting } from './posting-queue.js';
import type { PostingPriority } from './posting.js';

/** How a call to the database ends: answered, with every third posting's advertiser locked, or not at all. */
type Ending = 'answered' | 'held' | 'fails' | 'no connection';

/** A lane over a database that does as the test says. */
class Scene {
  readonly calls: PendingPosting[][] = [];
  /** How often the connection was asked for, in vain too. */
  uses = 0;
  /** How often each posting was answered, given up or set aside. */
  readonly ends = new Map<PendingPosting, number>();
  /** As long as it is not resolved, a call is away. */
  away: Promise<unknown> = Promise.resolve();
  private busy = false;
  private readonly lane: Lane;

  constructor(private readonly endings: Ending[] = []) {
    const connection = {
      use: async (work: (client: ClientBase) => Promise<void>) => {
        expect(this.busy).toBe(false);
        this.busy = true;
        this.uses++;
        try {
          await nextTurn();
          if (this.endings[0] === 'no connection') throw new Error('nobody is there');
          await work({} as ClientBase);
        } finally {
          this.endings.shift();
          this.busy = false;
        }
      },
    };
    const poster = {
      post: async (_client: ClientBase, group: PendingPosting[]) => {
        this.calls.push(group);
        await this.away;
        if (this.endings[0] === 'fails') throw new Error('it has gone');
        const held = this.endings[0] === 'held' ? group.filter((_, i) => i % 3 === 0) : [];
        for (const pending of group) if (!held.includes(pending)) this.end(pending);
        return held;
      },
      giveUp: (group: PendingPosting[]) => {
        for (const pending of group) this.end(pending);
      },
    };
    this.lane = new Lane(
      connection as unknown as OwnConnection,
      poster as unknown as GroupPoster,
      new BackgroundPace(),
      (held) => {
        for (const pending of held) this.end(pending);
      },
    );
  }

  add(count: number, priority: PostingPriority = 'live', keys = Infinity): void {
    for (let i = 0; i < count; i++) {
      const idempotencyKey = keys === Infinity ? `record:${this.ends.size}` : `key:${i % keys}`;
      const pending = { posting: { idempotencyKey, priority } } as unknown as PendingPosting;
      this.ends.set(pending, 0);
      this.lane.add(pending, performance.now());
    }
  }

  /** Lets the lane work until nothing waits; its own pauses pass at once. */
  async drained(): Promise<void> {
    const state = { isDrained: false };
    void this.lane.drained().then(() => (state.isDrained = true));
    for (let turn = 0; !state.isDrained; turn++) {
      if (turn > 10_000) throw new Error('the lane does not come to an end');
      await nextTurn();
      vi.advanceTimersByTime(5);
    }
  }

  /** Has the call that follows from `add` take so long. */
  async during(ms: number, add: () => void): Promise<void> {
    let answer = (): void => undefined;
    this.away = new Promise<void>((resolve) => (answer = resolve));
    add();
    await someTurns();
    vi.advanceTimersByTime(ms);
    answer();
    await someTurns();
  }

  get sizes(): number[] {
    return this.calls.map(({ length }) => length);
  }

  private end(pending: PendingPosting): void {
    this.ends.set(pending, (this.ends.get(pending) ?? 0) + 1);
  }
}

/** Long enough for a lane to begin a call that it means to begin. */
async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await nextTurn();
}

describe('a lane', { timeout: 30_000 }, () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends a single posting at once, and those of one turn together', async () => {
    const scene = new Scene();

    scene.add(1);
    await someTurns();
    scene.add(3);
    await someTurns();

    expect(scene.sizes).toEqual([1, 3]);
  });

  it('makes one group of what gathers while a call is away', async () => {
    const scene = new Scene();
    let answer = (): void => undefined;
    scene.away = new Promise<void>((resolve) => (answer = resolve));

    scene.add(1);
    for (let turn = 0; turn < 5; turn++) {
      await someTurns();
      scene.add(4);
    }
    answer();
    await someTurns();

    expect(scene.sizes).toEqual([1, 20]);
  });

  it('lets a fair group gather once it is busy, and no longer than 20 ms', async () => {
    const scene = new Scene();
    scene.add(149);
    await scene.drained();
    scene.add(150);
    await scene.drained();
    expect(scene.sizes).toEqual([149, 150]);

    scene.add(199);
    await someTurns();
    expect(scene.sizes).toEqual([149, 150]);
    scene.add(1);
    await someTurns();
    expect(scene.sizes).toEqual([149, 150, 200]);

    scene.add(60);
    await someTurns();
    vi.advanceTimersByTime(19);
    await someTurns();
    expect(scene.sizes).toEqual([149, 150, 200]);
    vi.advanceTimersByTime(1);
    await someTurns();
    expect(scene.sizes).toEqual([149, 150, 200, 60]);
  });

  it('gives background postings that are alone all of it', async () => {
    const scene = new Scene();

    scene.add(60, 'background');
    await someTurns();

    expect(scene.sizes).toEqual([60]);
  });

  it('lets background postings rest after a call with some of them where live ones came lately, and asks nobody meanwhile', async () => {
    const scene = new Scene();
    scene.add(1);
    await someTurns();
    await scene.during(10, () => {
      scene.add(50, 'background');
    });
    vi.advanceTimersByTime(49);
    await someTurns();
    expect(scene).toMatchObject({ sizes: [1, 25], uses: 2 });

    vi.advanceTimersByTime(1);
    await someTurns();
    expect(scene).toMatchObject({ sizes: [1, 25, 25], uses: 3 });
  });

  it('does not keep a live posting waiting for that rest', async () => {
    const scene = new Scene();
    scene.add(1);
    await someTurns();
    await scene.during(10, () => {
      scene.add(70, 'background');
    });

    scene.add(1);
    await someTurns();

    expect(scene.sizes).toEqual([1, 25, 2]);
    await scene.drained();
    expect([...scene.ends.values()]).toEqual(Array(72).fill(1));
  });

  it('lets nobody rest after a call with live ones alone', async () => {
    const scene = new Scene();
    await scene.during(10, () => {
      scene.add(1);
    });

    scene.add(1, 'background');
    await someTurns();

    expect(scene.sizes).toEqual([1, 1]);
  });

  it('gives up those of a call that failed, and goes on with what came after', async () => {
    const scene = new Scene(['fails', 'no connection']);

    for (const count of [2, 3, 4]) {
      scene.add(count);
      await scene.drained();
    }

    expect(scene.sizes).toEqual([2, 4]);
    expect([...scene.ends.values()]).toEqual(Array(9).fill(1));
  });

  it('answers, gives up or sets aside each posting once, one call after the other, whatever becomes of the calls', async () => {
    const burst = fc.record({
      count: fc.constantFrom(1, 2, 7, 60, 700),
      priority: fc.constantFrom<PostingPriority>('live', 'live', 'background'),
      keys: fc.option(fc.integer({ min: 1, max: 3 }), { nil: Infinity }),
      turns: fc.nat(12),
      pauseMs: fc.constantFrom(0, 0, 5, 1_500),
    });
    const endings = fc.array(fc.constantFrom<Ending>('answered', 'held', 'fails', 'no connection'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(burst, { maxLength: 10, size: 'max' }), endings, async (bursts, ends) => {
        const scene = new Scene(ends);
        for (const { count, priority, keys, turns, pauseMs } of bursts) {
          scene.add(keys === Infinity ? count : Math.min(count, 7), priority, keys);
          for (let turn = 0; turn < turns; turn++) await nextTurn();
          vi.advanceTimersByTime(pauseMs);
        }
        await scene.drained();

        expect([...scene.ends.values()].filter((times) => times !== 1)).toEqual([]);
        for (const group of scene.calls) {
          expect(group.length).toBeGreaterThan(0);
          expect(new Set(group.map(({ posting }) => posting.idempotencyKey)).size).toBe(group.length);
        }
      }),
      { numRuns: 150 },
    );
  });
});
