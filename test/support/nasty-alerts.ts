import fc from 'fast-check';
import { ALERT_TYPES, SEVERITIES, type Alert } from '../../src/alerts/alert.js';

/** Pieces that mean something to Slack, to HTML, to SMTP or to Postgres. */
const PIECES = [
  '<!channel>',
  '<@U123>',
  '<https://evil.example|click>',
  '<script>alert(1)</script>',
  '&amp;',
  '"\'',
  '`',
  '*_~',
  '\r\nBcc: everybody@example.com\r\n\r\n',
  '\r\n.\r\n',
  '\0',
  '\u202e',
  '\u2028',
  '\ud83d',
  '😀👨‍👩‍👧',
  'ünïcödé 한국어',
  ' ',
  'x'.repeat(4_000),
] as const;

const text = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 20 })), { minLength: 1, maxLength: 12 })
  .map((pieces) => pieces.join(''));

/** Alerts of which every text is as bad as it may be. */
export const nastyAlert: fc.Arbitrary<Alert> = fc.record({
  alertId: text,
  type: fc.constantFrom(...ALERT_TYPES),
  severity: fc.constantFrom(...SEVERITIES),
  occurredAt: fc.constant('2026-03-01T10:00:00.000Z'),
  subject: fc.record({ campaignId: text, advertiserId: text, topic: text }, { requiredKeys: [] }),
  message: text,
  details: fc.dictionary(
    fc.oneof(fc.constantFrom('code', 'message', 'spent', 'usageRate', '__proto__'), text),
    fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 2 })),
    { maxKeys: 15 },
  ),
});
