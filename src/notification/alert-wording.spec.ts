import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nastyAlert } from '../../test/support/nasty-alerts.js';
import type { Alert } from '../alerts/alert.js';
import { commandOf, titleOf } from './alert-wording.js';
import type { Message } from './notification-channel.js';

const LETTER: Alert = {
  alertId: 'dead-letter:1',
  type: 'DEAD_LETTER',
  severity: 'warning',
  occurredAt: '2026-03-01T10:00:00.000Z',
  subject: { topic: 'ad-events', campaignId: '7' },
  message: 'dead letter ad-events:3:41: UNKNOWN_PRICE, campaignId 7: no price',
  details: { code: 'UNKNOWN_PRICE', message: 'campaignId 7: no price', partition: 3, offset: '41', attempt: 1 },
};

const single = (alert: Alert): Message => ({ kind: 'single', alert });
const group = (alert: Alert): Message => ({ kind: 'group', count: 9_995, examples: [alert], firstAt: 0, lastAt: 1 });

describe('a message of dead letters', () => {
  it('says how to look at the one, or at the causes of many', () => {
    expect(commandOf(single(LETTER))).toBe('npm run cli -- dlq show ad-events:3:41');
    expect(commandOf(group(LETTER))).toBe('npm run cli -- dlq groups --topic ad-events --code UNKNOWN_PRICE');
    expect(commandOf(group({ ...LETTER, details: {} }))).toBe('npm run cli -- dlq groups --topic ad-events');
  });

  it('names topic and code in the title of a group', () => {
    expect(titleOf(group(LETTER))).toBe('Dead letter of ad-events, UNKNOWN_PRICE: 9,995 more');
    expect(titleOf(group({ ...LETTER, subject: {}, details: {} }))).toBe('Dead letter: 9,995 more');
    expect(titleOf(group({ ...LETTER, subject: { topic: 'x'.repeat(249) } }))).toBe(
      `Dead letter of ${'x'.repeat(50)}…, UNKNOWN_PRICE: 9,995 more`,
    );
    expect(titleOf(single(LETTER))).toBe('Dead letter');
  });

  it.each([
    ['another type', { type: 'OFFSET_LOST' }],
    ['no topic', { subject: {} }],
    ['a topic that is more than a name', { subject: { topic: 'a; rm -rf ~' } }],
    ['a topic that looks like an option', { subject: { topic: '--all' } }],
    ['an offset that is none', { details: { ...LETTER.details, offset: '$(id)' } }],
    ['no partition', { details: { offset: '41' } }],
  ] as const)('gives no command for %s', (_, fields) => {
    expect(commandOf(single({ ...LETTER, ...fields }))).toBeUndefined();
  });

  it('has nothing but plain names of an event in title and command, whatever the event says', () => {
    fc.assert(
      fc.property(nastyAlert, (alert) => {
        for (const message of [single(alert), group(alert), group({ ...alert, type: 'DEAD_LETTER' })]) {
          expect(titleOf(message)).toMatch(/^[\w.,: …-]+$/);
          expect(commandOf(message) ?? '').toMatch(/^[\w.: -]*$/);
        }
      }),
    );
  });
});
