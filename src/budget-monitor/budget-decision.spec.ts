import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromMillionths } from '../ledger/millionths.js';
import { counterCounts, decideBudget, isFarBelowBudget, readBudget, readCounter } from './budget-decision.js';

const money = fc.bigInt({ min: 0n, max: 10n ** 20n - 1n });
const net = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 20n - 1n });
const counter = fc.option(money, { nil: null });
const status = fc.constantFrom('ACTIVE', 'PAUSED', 'ENDED');

describe('decideBudget', () => {
  it.each([
    ['below 90 %', 899_999_999n, 'fine'],
    ['at 90 %', 900_000_000n, 'warn'],
    ['just below 100 %', 999_999_999n, 'warn'],
    ['at 100 %', 1_000_000_000n, 'exhausted'],
    ['above', 5_000_000_000n, 'exhausted'],
  ])('%s', (_case, ledger, verdict) => {
    expect(decideBudget({ ledger, counter: null, budget: 1_000_000_000n, status: 'ACTIVE' }).verdict).toBe(verdict);
  });

  it('goes by the greater figure, and says whose it is', () => {
    fc.assert(
      fc.property(net, counter, money, (ledger, seen, budget) => {
        const { spent, source } = decideBudget({ ledger, counter: seen, budget, status: 'ACTIVE' });

        expect(spent).toBe(seen !== null && seen > ledger ? seen : ledger);
        expect(source).toBe(spent === ledger ? 'ledger' : 'redis');
      }),
    );
  });

  it('is exhausted exactly from the budget on, and warns exactly from nine tenths of it', () => {
    fc.assert(
      fc.property(net, counter, money, (ledger, seen, budget) => {
        const { spent, verdict } = decideBudget({ ledger, counter: seen, budget, status: 'ACTIVE' });

        expect(verdict === 'exhausted').toBe(spent >= budget);
        expect(verdict === 'fine').toBe(spent < budget && spent * 10n < budget * 9n);
      }),
    );
  });

  it('never goes back as more is spent', () => {
    const severity = { fine: 0, warn: 1, exhausted: 2 };
    fc.assert(
      fc.property(net, money, counter, money, (ledger, more, seen, budget) => {
        const before = decideBudget({ ledger, counter: seen, budget, status: 'ACTIVE' });
        const after = decideBudget({ ledger: ledger + more, counter: seen, budget, status: 'ACTIVE' });

        expect(severity[after.verdict]).toBeGreaterThanOrEqual(severity[before.verdict]);
      }),
    );
  });

  it('finds nothing to do, and nothing above the budget, where a glance says that the budget is far', () => {
    const text = fc.oneof(
      money.map(fromMillionths),
      fc.stringMatching(/^[0-9]{0,3}[.eEx+ -]?[0-9]{0,3}$/),
      fc.string(),
    );
    const budgetText = fc.option(fc.oneof(money.map(fromMillionths), fc.constant('NaN')), { nil: null });
    let far = 0;
    fc.assert(
      fc.property(net, fc.option(text), budgetText, fc.nat(100), (more, seen, dailyBudget, percent) => {
        const budget = readBudget(dailyBudget);
        const ledger = budget === null ? more : (budget * BigInt(percent)) / 100n;
        if (!isFarBelowBudget(fromMillionths(ledger), seen, dailyBudget)) return;
        far++;

        const state = { ledger, counter: readCounter(seen), budget, status: 'ACTIVE' };
        expect(decideBudget(state).verdict).toBe('fine');
        expect(budget === null || ledger <= budget).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(far).toBeGreaterThan(100);
  });

  it('wants nothing of a campaign without a budget, or one that does not run', () => {
    fc.assert(
      fc.property(net, counter, fc.option(money, { nil: null }), status, (ledger, seen, budget, state) => {
        fc.pre(budget === null || state !== 'ACTIVE');

        expect(decideBudget({ ledger, counter: seen, budget, status: state }).verdict).toBe('fine');
      }),
    );
  });
});

describe('counterCounts', () => {
  it('is no in the grace after a day has begun', () => {
    expect(counterCounts({ counter: 1n, isGrace: true, lastYesterday: null, isReset: true })).toBe(false);
  });

  it.each<[string, bigint | null, boolean, boolean]>([
    ['none was seen yesterday', null, false, true],
    ['it is the last one of yesterday', 100n, false, false],
    ['it is above the last one of yesterday', 99n, false, false],
    ['it is below the last one of yesterday', 101n, false, true],
    ['a lower one was seen today', 50n, true, true],
  ])('where %s', (_case, lastYesterday, isReset, counts) => {
    expect(counterCounts({ counter: 100n, isGrace: false, lastYesterday, isReset })).toBe(counts);
  });
});

describe('readCounter', () => {
  it.each<[string, bigint]>([
    ['0', 0n],
    ['100', 100_000_000n],
    ['0.5', 500_000n],
    ['007.25', 7_250_000n],
    ['1.23456789', 1_234_567n],
    ['99999999999999.999999', 10n ** 20n - 1n],
    ['100000000000000', 10n ** 20n - 1n],
  ])('reads %s', (text, millionths) => {
    expect(readCounter(text)).toBe(millionths);
  });

  it.each([null, undefined, '', '-1', '+1', '1e2', '.5', '5.', ' 5', 'NaN', '1,5', '٣', '1'.repeat(41)])(
    'takes %j for none',
    (text) => {
      expect(readCounter(text)).toBeNull();
    },
  );

  it('reaches a budget exactly when the whole counter does', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 21n }),
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        (digits, budget) => {
          const text = digits.toString().padStart(10, '0');
          const nineDigits = `${text.slice(0, -9)}.${text.slice(-9)}`;

          expect((readCounter(nineDigits) ?? -1n) >= budget).toBe(digits >= budget * 1_000n);
        },
      ),
    );
  });
});
