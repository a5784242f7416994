import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startPosition, type KnownOffsets } from './start-position.js';

const known = (offsets: Partial<KnownOffsets>): KnownOffsets => ({
  committed: undefined,
  recordedStart: undefined,
  low: 10,
  high: 90,
  ...offsets,
});

describe('startPosition', () => {
  it.each([
    ['at the commit', { committed: 50 }, { offset: 50 }],
    ['at the commit, not where the group started', { committed: 50, recordedStart: 20 }, { offset: 50 }],
    ['at the end, where all was read', { committed: 90 }, { offset: 90 }],
    [
      'where the group started, if it has not committed yet or its commits expired',
      { recordedStart: 20 },
      { offset: 20 },
    ],
    ['at the first record of a partition that was added later', { low: 0 }, { offset: 0 }],
    ['at the first record that is left, with those before it lost', { committed: 4 }, { offset: 10, lostFrom: 4 }],
    [
      'at the first record that is left, though nothing was committed',
      { recordedStart: 4 },
      { offset: 10, lostFrom: 4 },
    ],
    ['at the first record that is left of a partition that was added later', {}, { offset: 10, lostFrom: 0 }],
    ['at the first record of a topic that was made anew', { committed: 91 }, { offset: 10, rewound: true }],
    ['at the only offset of an empty partition', { committed: 10, high: 10 }, { offset: 10 }],
  ] satisfies [string, Partial<KnownOffsets>, object][])('begins %s', (_where, offsets, position) => {
    expect(startPosition(known(offsets))).toEqual(position);
  });

  it('never skips a record in silence, and always begins at an offset that the broker has', () => {
    const offset = fc.nat(50);
    const maybe = fc.option(offset, { nil: undefined });
    fc.assert(
      fc.property(maybe, maybe, offset, offset, (committed, recordedStart, low, length) => {
        const high = low + length;

        const position = startPosition({ committed, recordedStart, low, high });

        expect(position.offset).toBeGreaterThanOrEqual(low);
        expect(position.offset).toBeLessThanOrEqual(high);
        const expected = committed ?? recordedStart ?? 0;
        if (position.offset > expected) expect(position.lostFrom).toBe(expected);
        else expect(position.lostFrom).toBeUndefined();
      }),
    );
  });
});
