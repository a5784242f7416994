import { describe, expect, it } from 'vitest';
import { crossesZero } from './balance-exhausted.js';

describe('crossesZero', () => {
  it.each([
    ['1.000000', '1', false],
    ['0.000001', '1', false],
    ['0.000000', '0.000001', true],
    ['-0.500000', '1', true],
    ['-0.500000', '0.5', false],
    ['-0.500000', '0.4', false],
    ['-99999999999999.000000', '99999999999999.000001', true],
  ])('%s after a charge of %s: %s', (balanceAfter, amount, crosses) => {
    expect(crossesZero(balanceAfter, amount)).toBe(crosses);
  });
});
