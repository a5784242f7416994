import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionProgress, type ProgressSlot } from './partition-progress.js';

describe('PartitionProgress', () => {
  it('commits nothing beyond where it started while nothing was received', () => {
    const progress = new PartitionProgress(40);

    expect(progress).toMatchObject({ committable: 40, nextOffset: 40, uncommitted: 0, oldestTimestamp: undefined });
  });

  it('lets the lowest record that is not settled decide', () => {
    const progress = new PartitionProgress(40);
    const [first, second, third] = [progress.received(40, 1), progress.received(41, 2), progress.received(42, 3)];

    progress.settle(second);
    progress.settle(third);
    expect(progress).toMatchObject({ committable: 40, uncommitted: 3, oldestTimestamp: 1 });

    progress.settle(first);
    expect(progress).toMatchObject({ committable: 43, uncommitted: 0, oldestTimestamp: undefined });
  });

  it('steps over gaps, which transactions and compaction leave', () => {
    const progress = new PartitionProgress(40);

    progress.settle(progress.received(45));
    const later = progress.received(90);
    expect(progress.committable).toBe(90);

    progress.settle(later);
    progress.reachedEnd(95);
    expect(progress.committable).toBe(95);
  });

  it('does not step over a record that is not settled when its batch ends', () => {
    const progress = new PartitionProgress(40);
    progress.received(40);

    progress.reachedEnd(50);

    expect(progress).toMatchObject({ committable: 40, nextOffset: 50 });
  });

  it('never goes back to an end that lies before what was received', () => {
    const progress = new PartitionProgress(40);
    progress.settle(progress.received(49));

    progress.reachedEnd(45);

    expect(progress.committable).toBe(50);
  });

  it.each([39, 40, 41])('refuses offset %i after 41: only a bug brings it', (offset) => {
    const progress = new PartitionProgress(40);
    progress.received(41);

    expect(() => progress.received(offset)).toThrow('offsets moved backwards');
  });

  it('takes a record that is settled twice for settled once', () => {
    const progress = new PartitionProgress(0);
    const [first, second] = [progress.received(0), progress.received(1)];

    progress.settle(first);
    progress.settle(first);

    expect(progress).toMatchObject({ committable: 1, uncommitted: 1 });
    progress.settle(second);
    expect(progress.committable).toBe(2);
  });

  it('gives back the memory of what is settled, though something is always under way', () => {
    const progress = new PartitionProgress(0);

    let before = progress.received(0);
    for (let offset = 1; offset < 50_000; offset++) {
      const slot = progress.received(offset);
      progress.settle(before);
      before = slot;
    }

    expect(progress.uncommitted).toBe(1);
    expect((progress as unknown as { open: ProgressSlot[] }).open.length).toBeLessThan(2_000);
  });
});

/** What Kafka and the handlers do, one after the other. */
type Step = { gap: number } | { settle: number } | { end: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ gap: fc.constantFrom(0, 0, 0, 1, 7) }) },
  { weight: 4, arbitrary: fc.record({ settle: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ end: fc.nat(5) }) },
);

describe('whatever is received and settled in whatever order', { timeout: 30_000 }, () => {
  it('the committable offset is that of the lowest unsettled record, never goes back, and reaches the end', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(step, { maxLength: 120, size: 'max' }), (start, steps) => {
        const progress = new PartitionProgress(start);
        const model = { open: [] as ProgressSlot[], end: start };
        const seen: unknown[] = [];
        const expected: unknown[] = [];

        for (const each of steps) {
          if ('gap' in each) {
            model.open.push(progress.received(model.end + each.gap, model.end));
            model.end += each.gap + 1;
          } else if ('end' in each) {
            progress.reachedEnd((model.end += each.end));
          } else {
            for (const slot of model.open.splice(each.settle % (model.open.length || 1), 1)) progress.settle(slot);
          }
          seen.push([progress.committable, progress.oldestTimestamp, progress.nextOffset]);
          expected.push([model.open[0]?.offset ?? model.end, model.open[0]?.timestamp, model.end]);
        }
        for (const slot of model.open.reverse()) progress.settle(slot);

        expect(seen).toEqual(expected);
        expect(progress).toMatchObject({ committable: model.end, uncommitted: 0 });
      }),
      { numRuns: 300 },
    );
  });
});
