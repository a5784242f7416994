import { describe, expect, it } from 'vitest';
import type { CampaignSpend } from '../ledger/posting.js';
import { Overspend } from './overspend.js';

/** A group's answer: what the campaign has spent after all charges of the group. */
function spentAfter(spent: string, dailyBudget: string | null): CampaignSpend {
  return { campaignId: 1n, day: '2026-03-01', spent, dailyBudget, status: 'ACTIVE' };
}

describe('Overspend', () => {
  it('counts a group that crosses its budget once, however many charges it has', () => {
    const [overspend, group] = [new Overspend(), spentAfter('102', '100')];

    expect(['1', '1', '1'].map((amount) => overspend.of(group, amount))).toEqual([1_000_000n, 1_000_000n, 0n]);
  });

  it('counts no more of a charge than the charge', () => {
    expect(new Overspend().of(spentAfter('500', '100'), '0.25')).toBe(250_000n);
  });

  it('is nothing within the budget, or without one', () => {
    expect(new Overspend().of(spentAfter('100', '100'), '1')).toBe(0n);
    expect(new Overspend().of(spentAfter('100', null), '1')).toBe(0n);
  });
});
