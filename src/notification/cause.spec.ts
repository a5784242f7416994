import { describe, expect, it } from 'vitest';
import type { Alert } from '../alerts/alert.js';
import { causeOf } from './cause.js';

const alert = (fields: Partial<Alert>): Alert => ({
  alertId: 'a',
  type: 'DEAD_LETTER',
  severity: 'warning',
  occurredAt: '2026-03-01T10:00:00Z',
  subject: { topic: 'ad-events' },
  message: 'm',
  details: { code: 'UNKNOWN_PRICE' },
  ...fields,
});

describe('the cause of an alert', () => {
  it('is topic and code of a dead letter', () => {
    expect(causeOf(alert({}))).toBe('DEAD_LETTER ad-events UNKNOWN_PRICE');
    expect(causeOf(alert({ details: { code: 'INVALID_JSON' } }))).not.toBe(causeOf(alert({})));
    expect(causeOf(alert({ subject: { topic: 'compensation-events' } }))).not.toBe(causeOf(alert({})));
  });

  it('is the type alone of every other', () => {
    expect(causeOf(alert({ type: 'CAMPAIGN_PAUSED', subject: { campaignId: '7' } }))).toBe('CAMPAIGN_PAUSED');
  });

  it('is something that the database can store and index, whatever the event says', () => {
    const cause = causeOf(alert({ subject: {}, details: { code: `\0\ud800${'x'.repeat(100_000)}` } }));

    expect(cause.length).toBeLessThanOrEqual(200);
    expect(cause).not.toContain('\0');
    expect(cause.isWellFormed()).toBe(true);
    expect(causeOf(alert({ subject: {}, details: { code: 7 } }))).toBe('DEAD_LETTER  ');
  });
});
