import { Logger } from '@nestjs/common';
import { afterEach, expect, it, vi } from 'vitest';
import { UnusableValues } from './unusable-values.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('says each kind once a minute, and how many came meanwhile', () => {
  const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  vi.useFakeTimers();
  const values = new UnusableValues();

  values.found('cpc:1', 'free');
  values.found('cpc:2', 'free');
  values.found('daily_budget:1', 'x'.repeat(100));
  vi.advanceTimersByTime(59_999);
  values.found('cpc:1', 'free');
  vi.advanceTimersByTime(1);
  values.found('cpc:3', 'none');

  const msg = 'Redis holds a value that is no number and counts as absent';
  expect(warn.mock.calls.map(([line]) => line as unknown)).toEqual([
    { msg, key: 'cpc:1', value: 'free' },
    { msg, key: 'daily_budget:1', value: 'x'.repeat(60) },
    { msg, key: 'cpc:3', value: 'none', foundSinceLastLine: 2 },
  ]);
});
