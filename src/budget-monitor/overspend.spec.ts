import { describe, expect, it } from 'vitest';
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
});
