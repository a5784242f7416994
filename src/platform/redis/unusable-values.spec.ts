import { Logger } from '@nestjs/common';
import { afterEach, expect, it, vi } from 'vitest';
import { UnusableValues } from './unusable-values.js';

afterEach(() => {
  vi.restoreAllMocks();
});

it('says each kind once a minute, and how many came meanwhile', () => {
  const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  const values = new UnusableValues();

  values.found('cpc:1', 'free', 0);
  values.found('cpc:2', 'free', 10);
  values.found('daily_budget:1', 'x'.repeat(100), 20);
  values.found('cpc:1', 'free', 59_999);
  values.found('cpc:3', 'none', 60_000);

  const msg = 'Redis holds a value that is no number and counts as absent';
  expect(warn.mock.calls.map(([line]) => line as unknown)).toEqual([
    { msg, key: 'cpc:1', value: 'free' },
    { msg, key: 'daily_budget:1', value: 'x'.repeat(60) },
    { msg, key: 'cpc:3', value: 'none', foundSinceLastLine: 2 },
  ]);
});
