import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RetryQueue } from './retry-queue.js';

describe('RetryQueue', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const recorded = (): { queue: RetryQueue<string>; retried: string[][] } => {
    const retried: string[][] = [];
    return { retried, queue: new RetryQueue<string>((tasks) => retried.push(tasks)) };
  };

  it('gives a task back when its pause is over, not before', () => {
    const { queue, retried } = recorded();
    queue.add('a', 200);

    vi.advanceTimersByTime(199);
    expect(retried).toEqual([]);
    expect(queue.size).toBe(1);

    vi.advanceTimersByTime(1);
    expect(retried).toEqual([['a']]);
    expect(queue.size).toBe(0);
  });

  it('gives tasks that are due together back together, in the order they came', () => {
    const { queue, retried } = recorded();
    for (const task of ['a', 'b', 'c']) queue.add(task, 200);

    vi.advanceTimersByTime(200);

    expect(retried).toEqual([['a', 'b', 'c']]);
  });

  it('gives each task back in its own time, with one timer', () => {
    const { queue, retried } = recorded();
    queue.add('late', 5_000);
    queue.add('early', 200);
    queue.add('between', 1_000);
    expect(vi.getTimerCount()).toBe(1);

    vi.advanceTimersByTime(5_000);

    expect(retried).toEqual([['early'], ['between'], ['late']]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('wakes for nobody in vain', () => {
    const { queue, retried } = recorded();
    queue.add('late', 5_000);
    queue.add('early', 200);
    queue.add('between', 1_000);

    for (const task of ['early', 'between', 'late']) {
      vi.advanceTimersToNextTimer();
      expect(retried.at(-1)).toEqual([task]);
    }
    expect(retried).toHaveLength(3);
  });

  it('takes a task again from within its retry', () => {
    const attempts: number[] = [];
    const queue: RetryQueue<number> = new RetryQueue(([attempt = 0]) => {
      attempts.push(attempt);
      if (attempt < 3) queue.add(attempt + 1, 100);
    });
    queue.add(1, 100);

    vi.advanceTimersByTime(300);

    expect(attempts).toEqual([1, 2, 3]);
  });

  it('forgets everything when it is cleared, and can be used on', () => {
    const { queue, retried } = recorded();
    queue.add('a', 200);

    queue.clear();
    expect([queue.size, vi.getTimerCount()]).toEqual([0, 0]);

    queue.add('b', 300);
    vi.advanceTimersByTime(300);
    expect(retried).toEqual([['b']]);
  });

  it('does not wait longer when the time of day is put back', () => {
    const { queue, retried } = recorded();
    queue.add('a', 200);

    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(200);

    expect(retried).toEqual([['a']]);
  });
});
