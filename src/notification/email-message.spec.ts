import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nastyAlert } from '../../test/support/nasty-alerts.js';
import type { Alert } from '../alerts/alert.js';
import { emailContent, SUBJECT_CHARS } from './email-message.js';

const WARNING: Alert = {
  alertId: 'budget-warning:7:2026-03-01',
  type: 'BUDGET_WARNING',
  severity: 'warning',
  occurredAt: '2026-03-01T10:00:00.000Z',
  subject: { campaignId: '7', advertiserId: '8' },
  message: 'campaign 7 has spent 90 of its daily budget of 100',
  details: { spent: '90', budget: '100' },
};

describe('a mail', () => {
  it('says in its subject what happened to whom, and the rest in text and in HTML', () => {
    const { subject, text, html } = emailContent({ kind: 'single', alert: WARNING });

    expect(subject).toBe('[warning] Budget nearly spent, campaign 7, advertiser 8');
    expect(text.split('\n')).toEqual([
      WARNING.message,
      'Campaign: 7',
      'Advertiser: 8',
      'Spent: 90',
      'Budget: 100',
      'Time: 2026-03-01 10:00:00 UTC',
      'Alert: budget-warning:7:2026-03-01',
    ]);
    expect(html).toContain('<tr><th align="left">Budget</th><td><code>100</code></td></tr>');
  });

  it('tells of a flood with its count and a few examples', () => {
    const examples = [WARNING, { ...WARNING, message: 'another' }] as const;
    const { subject, text } = emailContent({ kind: 'group', count: 1_234, examples, firstAt: 0, lastAt: 60_000 });

    expect(subject).toBe('[warning] Budget nearly spent: 1,234 more');
    expect(text).toMatch(/^1,234 more between 1970-01-01 00:00:00 UTC and 1970-01-01 00:01:00 UTC, for example:\n\n/);
    expect(text).toContain('another');
  });

  it('says how to look at a dead letter, in text and in HTML', () => {
    const alert: Alert = {
      ...WARNING,
      type: 'DEAD_LETTER',
      subject: { topic: 'ad-events' },
      details: { partition: 3, offset: '41' },
    };
    const { text, html } = emailContent({ kind: 'single', alert });

    expect(text).toMatch(/\n\nLook at it: npm run cli -- dlq show ad-events:3:41$/);
    expect(html).toContain('<p>Look at it: npm run cli -- dlq show ad-events:3:41</p>');
  });

  it('bears the same id when it is sent again, and another one for another alert', () => {
    const id = (alert: Alert): string => emailContent({ kind: 'single', alert }).id;

    expect(id(WARNING)).toBe(id({ ...WARNING }));
    expect(id(WARNING)).not.toBe(id({ ...WARNING, alertId: 'other' }));
  });

  it('has one line of subject and no markup but its own, whatever the alert says', () => {
    const ours =
      /<\/?(?:!doctype|html|head|meta|title|body|h2|p|table|tr|th|td|code|br)(?: [a-z]+="[^"<>]*")*(?: html)?>/g;
    fc.assert(
      fc.property(nastyAlert, (alert) => {
        const { subject, html } = emailContent({ kind: 'single', alert });

        expect(subject.length).toBeLessThanOrEqual(SUBJECT_CHARS);
        // eslint-disable-next-line no-control-regex -- none of these may begin another header
        expect(subject).not.toMatch(/[\u0000-\u001f\u007f\u2028\u2029]/);
        const text = html.replaceAll(ours, '').replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '');
        expect(text).not.toMatch(/[<>&\0]/);
      }),
      { numRuns: 200 },
    );
  });
});
