import type { ClientBase } from 'pg';
import { describe, expect, it } from 'vitest';
import { PlanRefresh } from './plan-refresh.js';

describe('PlanRefresh', () => {
  it('lets plans be made anew soon after a connection is first used, and ever more seldom after', async () => {
    const statements: string[] = [];
    const client = { query: (sql: string) => Promise.resolve(statements.push(sql)) } as unknown as ClientBase;
    const plans = new PlanRefresh();
    const refreshed: number[] = [];

    for (let second = 0; second <= 20; second++) {
      const before = statements.length;
      await plans.before(client, second * 1_000);
      if (statements.length > before) refreshed.push(second);
    }

    expect(refreshed).toEqual([1, 3, 7, 15]);
    expect(new Set(statements)).toEqual(new Set(['discard plans']));
  });
});
