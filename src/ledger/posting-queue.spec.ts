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
