import { describe, expect, it } from 'vitest';
import { addAmounts } from './millionths.js';

describe('addAmounts', () => {
  it('adds what floats cannot', () => {
    expect(addAmounts(['0.1', '0.2'])).toBe('0.300000');
    expect(addAmounts(['98765432109876.123456', '0.000001'])).toBe('98765432109876.123457');
    expect(addAmounts(['1', '2.5', '007.0'])).toBe('10.500000');
    expect(addAmounts([])).toBe('0.000000');
  });
});
