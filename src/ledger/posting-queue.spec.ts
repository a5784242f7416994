import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GROUP_SIZE, GROUP_SIZE_UNDER_BACKLOG, PostingQueue, type PendingPosting } from './posting-queue.js';
import type { PostingPriority } from './posting.js';

let next = 0;
function pending(priority: PostingPriority, idempotencyKey = `record:${next++}`): PendingPosting {
  return {
    posting: {
      type: 'DEDUCT',
      idempotencyKey,
      advertiserId: 1n,
      campaignId: 1n,
      amount: '1',
      priceSource: 'redis',
      origin: { topic: 'ad-events', partition: 0, offset: 0n, timestamp: 0 },
      priority,
    },
    caller: undefined,
    settle: () => undefined,
    fail: () => undefined,
  };
}

function queueOf(live: number, background: number): PostingQueue {
  const queue = new PostingQueue();
  for (let i = 0; i < live; i++) queue.add(pending('live'));
  for (let i = 0; i < background; i++) queue.add(pending('background'));
  return queue;
}

const count = (group: PendingPosting[], priority: PostingPriority) =>
  group.filter(({ posting }) => posting.priority === priority).length;

describe('a group', () => {
  it('is what has gathered, live first', () => {
    const group = queueOf(2, 3).takeGroup(200);

    expect(group.map(({ posting }) => posting.priority)).toEqual([
      'live',
      'live',
      'background',
      'background',
      'background',
    ]);
  });

  it('gives background postings a tenth under a live backlog', () => {
    const group = queueOf(GROUP_SIZE * 2, GROUP_SIZE).takeGroup(200);

    expect(group).toHaveLength(GROUP_SIZE);
    expect(count(group, 'background')).toBe(GROUP_SIZE / 10);
  });

  it('gives live postings what background ones do not want', () => {
    expect(count(queueOf(GROUP_SIZE * 2, 3).takeGroup(200), 'live')).toBe(GROUP_SIZE - 3);
    expect(count(queueOf(GROUP_SIZE * 2, 0).takeGroup(200), 'live')).toBe(GROUP_SIZE);
  });

  it('grows only under a backlog of live postings', () => {
    expect(queueOf(GROUP_SIZE * 2, 0).takeGroup(200)).toHaveLength(GROUP_SIZE);
    expect(queueOf(GROUP_SIZE * 2 + 1, 0).takeGroup(200)).toHaveLength(GROUP_SIZE_UNDER_BACKLOG);
  });

  it('of background postings alone stays short, for the live one that may come', () => {
    expect(queueOf(0, 5_000).takeGroup(200)).toHaveLength(200);
  });

  it('holds a tenth of background postings, however few others are wanted', () => {
    expect(count(queueOf(1, 100).takeGroup(0), 'background')).toBe(1);
    expect(count(queueOf(90, 100).takeGroup(0), 'background')).toBe(10);
    expect(count(queueOf(90, 100).takeGroup(50), 'background')).toBe(50);
    expect(queueOf(0, 100).takeGroup(0)).toEqual([]);
  });

  it('has each key once; the repeat waits for the next one, in its order', () => {
    const queue = new PostingQueue();
    const [first, other, repeat, last] = [
      pending('live', 'a'),
      pending('live', 'b'),
      pending('live', 'a'),
      pending('background', 'a'),
    ];
    for (const posting of [first, other, repeat, last]) queue.add(posting);

    expect(queue.takeGroup(200)).toEqual([first, other]);
    expect(queue.takeGroup(200)).toEqual([repeat]);
    expect(queue.takeGroup(200)).toEqual([last]);
    expect(queue.size).toBe(0);
  });
});

/** What handlers and a lane do, one after the other: postings come, with keys of their own or with one of a few; a group is taken. */
const step = fc.oneof(
  fc.record({
    add: fc.constantFrom<PostingPriority>('live', 'background'),
    count: fc.constantFrom(1, 2, 7, 60, 450, 1_200),
    keys: fc.option(fc.integer({ min: 1, max: 5 }), { nil: Infinity }),
  }),
  fc.record({ most: fc.constantFrom(0, 25, 200) }),
);

describe('whatever comes in whatever order', { timeout: 30_000 }, () => {
  const of = (priority: PostingPriority, some: readonly PendingPosting[]) =>
    some.filter(({ posting }) => posting.priority === priority);
  const keysOf = (some: readonly PendingPosting[]) => new Set(some.map(({ posting }) => posting.idempotencyKey));

  /** What must hold of a group taken from `waiting`, which has all that waits in the order in which it came. */
  function expectFair(group: readonly PendingPosting[], waiting: readonly PendingPosting[], most: number): void {
    const [live, background] = [of('live', group), of('background', group)];
    const limit = of('live', waiting).length > 2 * GROUP_SIZE ? GROUP_SIZE_UNDER_BACKLOG : GROUP_SIZE;
    const taken = new Set(group);
    const keys = keysOf(group);
    expect(keys.size).toBe(group.length);
    expect(group).toEqual([...live, ...background]);
    for (const [part, all] of [
      [live, of('live', waiting)],
      [background, of('background', waiting)],
    ] as const) {
      // First come, first served: whoever was passed has a key that is in the group.
      const last = all.findLastIndex((pending) => taken.has(pending));
      const passed = all.slice(0, last + 1).filter((pending) => !taken.has(pending));
      expect(part).toEqual(all.filter((pending) => taken.has(pending)));
      expect([...keysOf(passed)].filter((key) => !keys.has(key))).toEqual([]);
    }
    const left = (priority: PostingPriority) =>
      of(priority, waiting).filter(({ posting }) => !keys.has(posting.idempotencyKey)).length;
    const isFull = group.length === limit;
    expect(group.length).toBeLessThanOrEqual(limit);
    expect(live.length >= limit * 0.9 || left('live') === 0 || isFull).toBe(true);
    expect(background.length * 9 >= live.length || left('background') === 0).toBe(true);
    expect(background.length).toBeLessThanOrEqual(Math.max(most, Math.ceil(live.length / 9)));
    expect(background.length >= most || left('background') === 0 || isFull).toBe(true);
  }

  it('each posting is in one group, in its turn and with its share', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20, size: 'max' }), (steps) => {
        const queue = new PostingQueue();
        let waiting: PendingPosting[] = [];
        for (const each of steps) {
          if ('add' in each) {
            for (let i = 0; i < each.count; i++) {
              const posting = pending(each.add, each.keys === Infinity ? undefined : `key:${i % each.keys}`);
              waiting.push(posting);
              queue.add(posting);
            }
          } else {
            const group = queue.takeGroup(each.most);
            expectFair(group, waiting, each.most);
            const taken = new Set(group);
            waiting = waiting.filter((posting) => !taken.has(posting));
          }
          expect(queue).toMatchObject({ size: waiting.length, live: of('live', waiting).length });
        }
        expect(queue.takeAll()).toEqual([...of('live', waiting), ...of('background', waiting)]);
        expect(queue.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
