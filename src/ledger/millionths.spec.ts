import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addAmounts, fromMillionths, toMillionths } from './millionths.js';

/** What numeric(20, 6) holds. */
const millionths = fc.bigInt({ min: -(10n ** 20n) + 1n, max: 10n ** 20n - 1n });
const sum = (all: readonly bigint[]): bigint => all.reduce((total, each) => total + each, 0n);

describe('millionths', () => {
  it.each([
    ['0', 0n],
    ['1', 1_000_000n],
    ['0.5', 500_000n],
    ['0.000001', 1n],
    ['-0.25', -250_000n],
    ['-0', 0n],
    ['99999999999999.999999', 10n ** 20n - 1n],
  ])('of %s', (text, expected) => {
    expect(toMillionths(text)).toBe(expected);
  });

  it('are a decimal with six places, as Postgres writes it, and come back from it', () => {
    fc.assert(
      fc.property(millionths, (given) => {
        const text = fromMillionths(given);

        expect(text).toMatch(/^-?(0|[1-9]\d*)\.\d{6}$/);
        expect(text).not.toBe('-0.000000');
        expect(toMillionths(text)).toBe(given);
      }),
    );
  });

  it('are the same of a decimal in all its forms', () => {
    fc.assert(
      fc.property(millionths, fc.nat(3), (given, zeros) => {
        const text = fromMillionths(given);
        const padded = text.replace(/^-?/, (sign) => sign + '0'.repeat(zeros));
        const short = text.replace(/\.?0+$/, '');

        expect([toMillionths(padded), toMillionths(short)]).toEqual([given, given]);
      }),
    );
  });

  it('are in the order of the decimals', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
        fc.bigInt({ min: 1n, max: 10n ** 6n }),
        (a, more) => {
          // Below 2^53 a float tells them apart.
          expect(Number(fromMillionths(a))).toBeLessThan(Number(fromMillionths(a + more)));
        },
      ),
    );
  });
});

describe('addAmounts', () => {
  it('adds what floats cannot', () => {
    expect(addAmounts(['0.1', '0.2'])).toBe('0.300000');
    expect(addAmounts(['98765432109876.123456', '0.000001'])).toBe('98765432109876.123457');
    expect(addAmounts(['1', '2.5', '007.0'])).toBe('10.500000');
    expect(addAmounts([])).toBe('0.000000');
  });

  it('comes to the sum, in whatever order and however often an amount is there', () => {
    const few = fc.constantFrom(1n, 250_000n, 10n ** 20n - 1n);
    fc.assert(
      fc.property(fc.array(fc.oneof(few, millionths), { maxLength: 50 }), (amounts) => {
        const texts = amounts.map(fromMillionths);

        expect(addAmounts(texts)).toBe(fromMillionths(sum(amounts)));
        expect(addAmounts(texts.toReversed())).toBe(addAmounts(texts));
      }),
    );
  });
});
