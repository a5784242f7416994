import { describe, expect, it } from 'vitest';
import { shareOut } from './subscribed-assigner.js';

const partitions = (topic: string, count: number) =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));

describe('partitions are shared out', () => {
  it('in turn over all topics, where all members read the same, whatever order they joined in', () => {
    const [b, a] = [
      { memberId: 'b', topics: ['one', 'two'] },
      { memberId: 'a', topics: ['two', 'one'] },
    ];

    const shares = shareOut([...partitions('one', 3), ...partitions('two', 3)], [b, a]);

    expect(Object.fromEntries(shares)).toEqual({ a: { one: [0, 2], two: [1] }, b: { one: [1], two: [0, 2] } });
  });

  it('to members only that have subscribed to their topic, and evenly', () => {
    const older = { memberId: 'a', topics: ['old'] };
    const newer = { memberId: 'b', topics: ['new', 'old'] };

    const shares = shareOut([...partitions('new', 2), ...partitions('old', 4)], [older, newer]);

    expect(Object.fromEntries(shares)).toEqual({ a: { old: [0, 1, 2] }, b: { new: [0, 1], old: [3] } });
  });

  it('to nobody where there is nothing for a member: it is told so', () => {
    const shares = shareOut(partitions('one', 1), [
      { memberId: 'a', topics: ['one'] },
      { memberId: 'b', topics: ['one'] },
    ]);

    expect(Object.fromEntries(shares)).toEqual({ a: { one: [0] }, b: {} });
  });
});
