import { describe, expect, it } from 'vitest';
import { duplicateRateAlert, duplicateRatio, isTooHigh } from './duplicate-rate.js';

describe('duplicateRatio', () => {
  it('is refunds to clicks, and nothing without clicks', () => {
    expect(duplicateRatio({ clicks: 200, refunds: 5 })).toBe(0.025);
    expect(duplicateRatio({ clicks: 0, refunds: 5 })).toBe(0);
  });
});

describe('isTooHigh', () => {
  it.each([
    [100, 5, 5, false],
    [100, 6, 5, true],
    [99, 99, 5, false],
    [0, 1_000, 5, false],
    [100, 0, 0, false],
    [100, 1, 0, true],
    [1_000, 25, 2.5, false],
    [1_000, 26, 2.5, true],
    // 0.07 * 100 is above 7 as a float
    [10_000, 7, 0.07, false],
    [10_000, 8, 0.07, true],
    [100, 100, 100, false],
    [100, 101, 100, true],
    [36_000_000, 1_800_000, 5, false],
    [36_000_000, 1_800_001, 5, true],
  ])('of %d clicks and %d refunds at %d %%: %s', (clicks, refunds, percent, verdict) => {
    expect(isTooHigh({ clicks, refunds }, percent)).toBe(verdict);
  });
});

describe('duplicateRateAlert', () => {
  const count = { clicks: 300, refunds: 16 };

  it('is the same one within an hour', () => {
    const ids = ['10:00:00.000', '10:59:59.999', '11:00:00.000'].map(
      (time) => duplicateRateAlert(count, 5, Date.parse(`2026-03-01T${time}Z`)).alertId,
    );

    expect(ids).toEqual([
      'duplicate-click-rate:2026-03-01T10',
      'duplicate-click-rate:2026-03-01T10',
      'duplicate-click-rate:2026-03-01T11',
    ]);
  });

  it('says the figures to people and machines', () => {
    expect(duplicateRateAlert(count, 5, 0)).toMatchObject({
      message: '16 refunds of duplicates to 300 clicks in the last hour: 5.33 %, above 5 %',
      details: { refunds: 16, clicks: 300, ratio: 0.053333, thresholdPercent: 5 },
    });
  });
});
