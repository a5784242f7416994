// What a seed makes of a run, without running it.
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../chaos/faults.mjs';
import { KINDS, scheduleOf } from '../../chaos/schedule.mjs';

const THREE_MINUTES = 180_000;
const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);
const schedules = SEEDS.map((seed) => scheduleOf(seed, THREE_MINUTES));

describe('the schedule of a seed', () => {
  it('is the same each time, and another one for another seed', () => {
    expect(SEEDS.map((seed) => scheduleOf(seed, THREE_MINUTES))).toEqual(schedules);
    expect(new Set(schedules.map((faults) => JSON.stringify(faults))).size).toBe(SEEDS.length);
  });

  it('has every kind of fault, over some seeds, and none that nobody can do', () => {
    const kinds = new Set(schedules.flatMap((faults) => faults.map(({ kind }) => kind)));

    expect([...kinds].toSorted()).toEqual(Object.keys(KINDS).toSorted());
    expect(Object.keys(FAULTS).toSorted()).toEqual(Object.keys(KINDS).toSorted());
  });

  it.each([30_000, THREE_MINUTES, 3_600_000])('has none that lasts too long, in a run of %d ms', (lengthMs) => {
    const tooLong = SEEDS.flatMap((seed) => scheduleOf(seed, lengthMs)).filter(({ kind, atMs, forMs }) => {
      const [least = NaN, most = NaN] = KINDS[kind]?.lasts ?? [];
      return !(forMs >= least * 1_000 && forMs <= most * 1_000 && atMs + forMs <= lengthMs);
    });

    expect(tooLong).toEqual([]);
  });

  it('has no two that hold one thing at a time, and some that overlap', () => {
    const overlapping = schedules.flatMap((faults) =>
      faults.flatMap((one, i) =>
        faults
          .slice(i + 1)
          .filter(({ atMs }) => atMs < one.atMs + one.forMs)
          .map((other) => [one, other] as const),
      ),
    );

    expect(overlapping.length).toBeGreaterThan(0);
    expect(overlapping.filter(([one, other]) => one.on.some((thing) => other.on.includes(thing)))).toEqual([]);
  });

  it('has one midnight at the most', () => {
    const midnights = SEEDS.map((seed) => scheduleOf(seed, 3_600_000).filter(({ kind }) => kind === 'midnight'));

    expect(Math.max(...midnights.map(({ length }) => length))).toBe(1);
  });
});
