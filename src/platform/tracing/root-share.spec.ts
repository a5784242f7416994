import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { DRAWN_ROOT, RootShare } from './root-share.js';

const drawn = (share: RootShare, times: number): number =>
  Array.from({ length: times }, () => share.beginsRecord()).filter(Boolean).length;

describe('the share of traces that begin here', () => {
  it('is all records of a second up to a bound, and as many in the next', () => {
    let nowMs = 5_000;
    const share = new RootShare(1, () => nowMs);

    expect(drawn(share, 150)).toBe(150);
    nowMs = 5_999;
    expect(drawn(share, 10_000)).toBe(50);
    nowMs = 6_000;
    expect(drawn(share, 10_000)).toBe(200);
  });

  it('is drawn of all records, not of those within the bound', () => {
    expect(drawn(new RootShare(0.01, () => 0), 1_000_000)).toBe(200);
    expect(drawn(new RootShare(0.5, () => 0), 100)).toBeGreaterThan(10);
    expect(drawn(new RootShare(0.5, () => 0), 100)).toBeLessThan(90);
    expect(drawn(new RootShare(0, () => 0), 1_000)).toBe(0);
  });

  it.each([
    [0, ROOT_CONTEXT, SamplingDecision.NOT_RECORD],
    [1, ROOT_CONTEXT, SamplingDecision.RECORD_AND_SAMPLED],
    [0, DRAWN_ROOT, SamplingDecision.RECORD_AND_SAMPLED],
  ])('with %s, decides once on each root', (share, within, decision) => {
    expect(new RootShare(share).shouldSample(within)).toEqual({ decision });
  });
});
