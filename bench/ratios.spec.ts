import { describe, expect, it } from 'vitest';
import { compare, expectedOf, ratiosOf, TOLERANCES } from './ratios.mjs';
import type { Results } from './results.mjs';

const RESULTS: Results = {
  kind: 'quick',
  rounds: [
    { bare: 80_000, alone: 60_000, worker: 30_000 },
    { bare: 80_000, alone: 60_000, worker: 24_000 },
    { bare: 80_000, alone: 60_000, worker: 36_000 },
  ],
  oneAlone: 1,
  grown: { rows: 100_000, bare: 80_000, alone: 56_000 },
  latency: [
    { rate: 500, p50: 4, p99: 12 },
    { rate: 4_000, p50: 12, p99: 60 },
    { rate: 500, strain: 'Redis hangs', p50: 8, p99: 24 },
  ],
  refunds: { rate: 100, p50: 3, p99: 24 },
  pauses: [{ rate: 4_000, p50: 24, p99: 120 }],
  rollOuts: [{ what: 'rolling update', p50: 6, p99: 300 }],
};

const expected = expectedOf(ratiosOf(RESULTS));
const compared = (results: Results) => compare(ratiosOf(results), expected);

/** The same machine, so many times as slow. */
function slowed(results: Results, times: number): Results {
  const spread = <T extends { p50: number; p99: number }>(of: T) => ({
    ...of,
    p50: of.p50 * times,
    p99: of.p99 * times,
  });
  return {
    ...results,
    rounds: results.rounds.map(({ bare, alone, worker }) => ({
      ...{ bare: bare / times, alone: alone / times, worker: worker / times },
    })),
    oneAlone: results.oneAlone * times,
    grown: { ...results.grown, bare: results.grown.bare / times, alone: results.grown.alone / times },
    latency: results.latency.map(spread),
    refunds: spread(results.refunds),
    pauses: results.pauses.map(spread),
  };
}

describe('the ratios of a run', () => {
  it('are medians over its rounds, and latencies by what they stand beside', () => {
    expect(expected).toEqual({
      'Worker to the posting function alone': 0.5,
      'Worker to a bare insert': 0.375,
      'posting function alone to a bare insert': 0.75,
      'posting function alone to a bare insert, at the end': 0.7,
      'latency at 500 clicks/s to one click posted alone, p50': 4,
      'latency at 500 clicks/s to one click posted alone, p99': 12,
      'latency at 4,000 clicks/s to one click posted alone, p50': 12,
      'latency at 4,000 clicks/s to one click posted alone, p99': 60,
      'latency at 500 clicks/s, Redis hangs, to without, p50': 2,
      'latency at 500 clicks/s, Redis hangs, to without, p99': 2,
      'refunds at 100/s to clicks at 500/s, p50': 0.75,
      'refunds at 100/s to clicks at 500/s, p99': 2,
      'pauses to latency at 4,000 clicks/s, p50': 2,
      'pauses to latency at 4,000 clicks/s, p99': 2,
    });
  });

  it('are those of a machine that is five times as slow', () => {
    expect(expectedOf(ratiosOf(slowed(RESULTS, 5)))).toEqual(expected);
  });

  it('are not kept where nothing was measured', () => {
    const nothing = { ...RESULTS, latency: [], pauses: [], refunds: { rate: 100, p50: NaN, p99: NaN } };

    expect(Object.keys(expectedOf(ratiosOf(nothing)))).toHaveLength(4);
  });
});

describe('held against those that were accepted, a run', () => {
  it('is as it was', () => {
    expect(compared(RESULTS)).toEqual(['0 of 14 ratios are worse than expected, beyond noise']);
  });

  it.each([
    ['throughput', 'Worker to the posting function alone', 1 / 1.01],
    ['latency', 'latency at 500 clicks/s to one click posted alone, p99', 1.01],
  ] as const)('is worse by more than the tolerance of %s, not by just that', (kind, name, more) => {
    const tolerance = kind === 'throughput' ? 1 / TOLERANCES[kind] : TOLERANCES[kind];
    const at = (value: number) => compare([{ name, value, kind }], { [name]: 1 });

    expect(at(tolerance / more)).toEqual(['0 of 1 ratios are worse than expected, beyond noise']);
    expect(at(tolerance * more)).toEqual([
      expect.stringMatching(
        `^worse than expected: ${name} is [\\d.]+, was 1 \\((?:down|up) to [\\d.]+ it may be noise\\)$`,
      ),
      '1 of 1 ratios are worse than expected, beyond noise',
    ]);
  });

  it('is told by name and figures what has become worse, and nothing else', () => {
    const slow = { ...RESULTS, rounds: [{ bare: 80_000, alone: 60_000, worker: 20_000 }] };

    expect(compared(slow)).toEqual([
      'worse than expected: Worker to the posting function alone is 0.333, was 0.5 (down to 0.4 it may be noise)',
      'worse than expected: Worker to a bare insert is 0.25, was 0.375 (down to 0.3 it may be noise)',
      '2 of 14 ratios are worse than expected, beyond noise',
    ]);
  });

  it('is not reproached for being better', () => {
    const fast = { ...RESULTS, rounds: [{ bare: 80_000, alone: 60_000, worker: 59_000 }] };

    expect(compared(fast)).toEqual(['0 of 14 ratios are worse than expected, beyond noise']);
  });

  it('says which figures it does not have, as one with other rates', () => {
    const lines = compared({ ...RESULTS, latency: RESULTS.latency.filter(({ rate }) => rate === 500), pauses: [] });

    expect(lines).toContain(
      'not compared, since this run has no such figure: latency at 4,000 clicks/s to one click posted alone, p99',
    );
    expect(lines.at(-1)).toBe('0 of 10 ratios are worse than expected, beyond noise');
  });

  it('has nothing to be compared with before one was accepted', () => {
    expect(compare(ratiosOf(RESULTS), {})).toEqual(['nothing to compare with: accept a run first']);
  });
});
