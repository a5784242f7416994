import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BudgetCalendar, dayBefore } from './budget-calendar.js';

const HOUR_MS = 60 * 60 * 1_000;

describe('BudgetCalendar', () => {
  it.each([
    ['Asia/Seoul', '2026-11-24T14:59:59.999Z', '2026-11-24'],
    ['Asia/Seoul', '2026-11-24T15:00:00.000Z', '2026-11-25'],
    ['America/New_York', '2026-11-24T04:59:59.999Z', '2026-11-23'],
    ['Asia/Kathmandu', '2026-01-01T18:15:00.000Z', '2026-01-02'],
    ['Etc/UTC', '2027-01-01T00:00:00.000Z', '2027-01-01'],
  ])('in %s %s is of %s', (timezone, moment, date) => {
    expect(new BudgetCalendar(timezone).dayAt(Date.parse(moment)).date).toBe(date);
  });

  it.each([
    ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z', 23],
    ['Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00Z', 25],
    ['Australia/Lord_Howe', '2026-04-05T02:00:00Z', '2026-04-04T13:00:00Z', 24.5],
    // Its daylight saving begins at midnight: the day begins at one o'clock.
    ['Africa/Cairo', '2026-04-24T12:00:00Z', '2026-04-23T22:00:00Z', 23],
    ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06T04:00:00Z', 23],
    ['Asia/Seoul', '2026-11-24T03:00:00Z', '2026-11-23T15:00:00Z', 24],
  ])('in %s the day of %s begins at %s and has %s hours', (timezone, moment, startsAt, hours) => {
    const day = new BudgetCalendar(timezone).dayAt(Date.parse(moment));

    expect(new Date(day.startsAt).toISOString()).toBe(new Date(startsAt).toISOString());
    expect((day.endsAt - day.startsAt) / HOUR_MS).toBe(hours);
  });

  it('knows each moment of a day by its bounds, and the next day follows without a gap', () => {
    const zones = ['Asia/Seoul', 'Europe/Berlin', 'America/St_Johns', 'Africa/Cairo', 'Pacific/Apia', 'Etc/UTC'];
    const moment = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2030, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...zones), moment, (timezone, ms) => {
        const calendar = new BudgetCalendar(timezone);
        const day = calendar.dayAt(ms);

        expect(ms >= day.startsAt && ms < day.endsAt).toBe(true);
        expect(calendar.dayAt(day.endsAt).startsAt).toBe(day.endsAt);
        expect(dayBefore(calendar.dayAt(day.endsAt).date)).toBe(day.date);
        expect(calendar.dayAt(day.endsAt - 1)).toEqual(day);
      }),
      { numRuns: 200 },
    );
  });
});

describe('dayBefore', () => {
  it.each([
    ['2026-03-01', '2026-02-28'],
    ['2028-03-01', '2028-02-29'],
    ['2026-01-01', '2025-12-31'],
  ])('%s comes after %s', (date, before) => {
    expect(dayBefore(date)).toBe(before);
  });
});
