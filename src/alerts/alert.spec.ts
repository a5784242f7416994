import { describe, expect, it } from 'vitest';
import { readAlert } from './alert.js';

const ALERT = {
  alertId: 'budget-warning:7:2026-03-01',
  type: 'BUDGET_WARNING',
  severity: 'warning',
  occurredAt: '2026-03-01T10:00:00.000Z',
  subject: { campaignId: '7', advertiserId: '8' },
  message: 'campaign 7 has spent 90 % of its budget',
  details: { spent: '90' },
};

function nested(depth: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

describe('readAlert', () => {
  it('takes what the Worker writes', () => {
    expect(readAlert(ALERT)).toEqual(ALERT);
  });

  it('takes ids that are numbers as text, and leaves out what no alert has', () => {
    const alert = { ...ALERT, subject: { campaignId: 7, mood: 'bad', topic: null }, extra: 1 };

    expect(readAlert(alert)).toEqual({ ...ALERT, subject: { campaignId: '7' } });
  });

  it('does without subject and details', () => {
    expect(readAlert({ ...ALERT, subject: undefined, details: undefined })).toEqual({
      ...ALERT,
      subject: {},
      details: {},
    });
  });

  it.each([
    ['alert', null],
    ['alert', [ALERT]],
    ['alert', 'text'],
    ['alertId', { ...ALERT, alertId: '' }],
    ['alertId', { ...ALERT, alertId: 'x'.repeat(501) }],
    ['alertId', { ...ALERT, alertId: 'a\0b' }],
    ['type', { ...ALERT, type: 'PARTY' }],
    ['severity', { ...ALERT, severity: 1 }],
    ['occurredAt', { ...ALERT, occurredAt: 'soon' }],
    ['subject', { ...ALERT, subject: [] }],
    ['message', { ...ALERT, message: 5 }],
    ['message', { ...ALERT, message: nested(100_000) }],
    ['details', { ...ALERT, details: 'x' }],
  ])('refuses a wrong %s', (field, alert) => {
    expect(() => readAlert(alert)).toThrow(new RegExp(`^${field} `));
  });
});
