import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromMillionths } from '../ledger/millionths.js';
import type { CampaignSpend } from '../ledger/posting.js';
import { Overspend } from './overspend.js';

/** A group's answer; how far it is above the budget is said beside it. */
const aGroup = (): CampaignSpend => ({
  campaignId: 1n,
  day: '2026-03-01',
  spent: '102',
  dailyBudget: '100',
  status: 'ACTIVE',
});

describe('Overspend', () => {
  it('counts a group that crosses its budget once, however many charges it has', () => {
    const [overspend, group] = [new Overspend(), aGroup()];

    expect(['1', '1', '1'].map((amount) => overspend.of(group, 2_000_000n, amount))).toEqual([
      1_000_000n,
      1_000_000n,
      0n,
    ]);
  });

  it('counts each group for itself', () => {
    const overspend = new Overspend();

    expect([aGroup(), aGroup()].map((group) => overspend.of(group, 2_000_000n, '5'))).toEqual([2_000_000n, 2_000_000n]);
  });

  it('counts no more of a charge than the charge', () => {
    expect(new Overspend().of(aGroup(), 400_000_000n, '0.25')).toBe(250_000n);
  });

  it.each([0n, -5_000_000n])('is nothing where the group is %d above the budget', (above) => {
    expect(new Overspend().of(aGroup(), above, '1')).toBe(0n);
  });

  it('comes, over all charges of a day, to what the day is above its budget, however they were grouped', () => {
    const amount = fc.bigInt({ min: 1n, max: 5_000_000n });
    const groups = fc.array(fc.array(amount, { minLength: 1, maxLength: 8 }), { maxLength: 12 });
    fc.assert(
      fc.property(groups, fc.bigInt({ min: 0n, max: 60_000_000n }), (all, budget) => {
        const overspend = new Overspend();
        let [spent, counted] = [0n, 0n];
        for (const amounts of all) {
          const group = aGroup();
          spent += amounts.reduce((sum, each) => sum + each, 0n);
          for (const each of amounts) {
            const over = overspend.of(group, spent - budget, fromMillionths(each));
            expect(over >= 0n && over <= each).toBe(true);
            counted += over;
          }
        }

        expect(counted).toBe(spent > budget ? spent - budget : 0n);
      }),
    );
  });
});
