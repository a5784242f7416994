import { describe, expect, it } from 'vitest';
import { firstOfMonth, makePartitionsAhead } from './partitions.js';

describe('firstOfMonth', () => {
  it('counts months in UTC, over years, from any day', () => {
    expect(firstOfMonth(new Date('2026-11-30T23:59:59Z'), 3)).toBe('2027-02-01');
    expect(firstOfMonth(new Date('2026-01-31T12:00:00Z'), -1)).toBe('2025-12-01');
    expect(firstOfMonth(new Date('2026-03-31T12:00:00Z'), 0)).toBe('2026-03-01');
  });
});

describe('makePartitionsAhead', () => {
  it('tries a locked month again, and goes on to the next one when it stays locked', async () => {
    let tries = 0;
    const query = (_sql: string, [month]: string[]) => {
      tries++;
      if (month === '2026-11-01') return Promise.reject(Object.assign(new Error('locked'), { code: '55P03' }));
      return Promise.resolve({ rows: [{ outcome: 'made' }] });
    };

    const result = await makePartitionsAhead({ query } as never, new Date('2026-11-24T00:00:00Z'), 0);

    expect(result).toEqual({
      made: ['2026-10-01', '2026-12-01', '2027-01-01', '2027-02-01'],
      inDefault: [],
      locked: ['2026-11-01'],
      until: '2026-11-01',
    });
    expect(tries).toBe(4 + 10);
  });

  it.each([
    [{}, '2027-03-01'],
    [{ '2026-10-01': 'default_has_rows' }, '2027-03-01'], // a month that is over
    [{ '2026-11-01': 'made', '2027-01-01': 'default_has_rows' }, '2027-01-01'],
    [{ '2027-02-01': 'default_has_rows' }, '2027-02-01'],
  ])('with %j tells up to where the months have no gap', async (others: Record<string, string>, until) => {
    const query = (_sql: string, [month]: [string]) =>
      Promise.resolve({ rows: [{ outcome: others[month] ?? 'exists' }] });

    const result = await makePartitionsAhead({ query } as never, new Date('2026-11-24T00:00:00Z'), 0);

    expect(result.until).toBe(until);
  });
});
