import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nastyAlert } from '../../test/support/nasty-alerts.js';
import type { Alert } from '../alerts/alert.js';
import type { Message } from './notification-channel.js';
import { SLACK_LIMITS, slackPayload } from './slack-message.js';

const PAUSED: Alert = {
  alertId: 'campaign-paused:1',
  type: 'CAMPAIGN_PAUSED',
  severity: 'critical',
  occurredAt: '2026-03-01T10:00:00.000Z',
  subject: { campaignId: '7', advertiserId: '8' },
  message: 'campaign 7 is paused: it has spent 100 of its daily budget of 100',
  details: { spent: '100', budget: '100', usageRate: 0.9512, source: 'redis', day: '2026-03-01', deep: { no: 1 } },
};

const message: fc.Arbitrary<Message> = fc.oneof(
  nastyAlert.map((alert) => ({ kind: 'single', alert }) as const),
  fc
    .tuple(nastyAlert, fc.array(nastyAlert, { maxLength: 4 }), fc.nat(1_000_000))
    .map(
      ([first, rest, count]) => ({ kind: 'group', count, examples: [first, ...rest], firstAt: 0, lastAt: 1 }) as const,
    ),
);

/** Every text of a payload, wherever it stands. */
function textsOf(value: unknown): { type: unknown; text: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const own =
    'text' in value && typeof value.text === 'string'
      ? [{ type: 'type' in value ? value.type : '', text: value.text }]
      : [];
  return [...own, ...Object.values(value).flatMap(textsOf)];
}

describe('a message to Slack', () => {
  it('says at a glance what happened, to whom and how much', () => {
    const { text, blocks } = slackPayload({ kind: 'single', alert: PAUSED });

    expect(text).toBe(`:red_circle: Campaign paused: ${PAUSED.message}`);
    expect(blocks[0]).toEqual({ type: 'header', text: { type: 'plain_text', text: ':red_circle: Campaign paused' } });
    expect(textsOf(blocks).map((each) => each.text)).toEqual([
      ':red_circle: Campaign paused',
      PAUSED.message,
      '*Campaign*\n`7`',
      '*Advertiser*\n`8`',
      '*Spent*\n`100`',
      '*Budget*\n`100`',
      '*Used*\n`95.12 %`',
      '*Source*\n`redis`',
      '*Day*\n`2026-03-01`',
      '2026-03-01 10:00:00 UTC  `campaign-paused:1`',
    ]);
  });

  it('tells of a flood with its count and a few examples', () => {
    const letter: Alert = {
      ...PAUSED,
      type: 'DEAD_LETTER',
      severity: 'warning',
      subject: { topic: 'ad-events' },
      details: { code: 'UNKNOWN_PRICE' },
    };
    const { text, blocks } = slackPayload({
      kind: 'group',
      count: 9_995,
      examples: [letter, { ...letter, message: 'another' }],
      firstAt: Date.UTC(2026, 2, 1, 10),
      lastAt: Date.UTC(2026, 2, 1, 10, 1),
    });

    expect(text).toContain('Dead letter of ad-events, UNKNOWN_PRICE: 9,995 more');
    expect(textsOf(blocks).map((each) => each.text)).toContain(
      '*9,995* more between 2026-03-01 10:00:00 UTC and 2026-03-01 10:01:00 UTC, for example:',
    );
    expect(textsOf(blocks).map((each) => each.text)).toContain('• another\nTopic: ad-events');
    expect(textsOf(blocks).at(-1)?.text).toBe(
      'Look at them: `npm run cli -- dlq groups --topic ad-events --code UNKNOWN_PRICE`',
    );
  });

  it('escapes what would call people or hide a link', () => {
    const { blocks } = slackPayload({
      kind: 'single',
      alert: { ...PAUSED, message: '<!channel> a & <http://x|y> `b`' },
    });

    expect(textsOf(blocks)[1]?.text).toBe('&lt;!channel&gt; a &amp; &lt;http://x|y&gt; `b`');
  });

  it('shows text of an event as it is: what would format it stands in plain text, or as code', () => {
    const said = '*b* _i_ ~s~ `c` :tada: https://x.example @here #general';
    const alert: Alert = {
      ...PAUSED,
      subject: { topic: said },
      message: said,
      details: { reason: said, 'a*b_c`d:tada:': 'x' },
    };
    const single = slackPayload({ kind: 'single', alert });
    const group = slackPayload({ kind: 'group', count: 2, examples: [alert], firstAt: 0, lastAt: 1 });

    const plain = { type: 'plain_text', emoji: false };
    expect([single.mrkdwn, group.mrkdwn]).toEqual([false, false]);
    expect(single.blocks[1]).toEqual({ type: 'section', text: { ...plain, text: said } });
    expect(group.blocks.at(-1)).toEqual({
      type: 'section',
      text: { ...plain, text: `• ${said}\nTopic: ${said}` },
    });
    const asCode = `\`${said.replaceAll('`', 'ˋ')}\``;
    expect(single.blocks[2]).toMatchObject({
      fields: [{ text: `*Topic*\n${asCode}` }, { text: `*Reason*\n${asCode}` }, { text: '*a b c d tada*\n`x`' }],
    });
  });

  it('has nothing of an event in what Slack formats but as code, whatever the alert says', () => {
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`;
    const ours = [
      String.raw`\*[\p{L}\p{N} …]+\*\n`, // a label
      String.raw`\*[\d,]+\* more between ${time} and ${time}, for example:`,
      `${time}  `,
      'Look at (?:it|them): ',
    ];
    const formatted = new RegExp(`^(?:${ours.join('|')})(?:\`[^\`\\n]+\`)?$`, 'u');
    fc.assert(
      fc.property(message, (each) => {
        for (const { type, text } of textsOf(slackPayload(each).blocks)) {
          if (type === 'mrkdwn') expect(text).toMatch(formatted);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('stays within the limits of Block Kit, and has nothing unescaped, whatever the alert says', () => {
    fc.assert(
      fc.property(message, (each) => {
        const payload = slackPayload(each);

        expect(payload.blocks.length).toBeLessThanOrEqual(SLACK_LIMITS.blocks);
        for (const { text } of textsOf(payload)) {
          expect(text.length).toBeGreaterThan(0);
          expect(text.length).toBeLessThanOrEqual(SLACK_LIMITS.textChars);
          expect(text.replaceAll(/&(?:amp|lt|gt);/g, '')).not.toMatch(/[<>&\0]/);
          expect(text.isWellFormed()).toBe(true);
        }
        const [header] = payload.blocks;
        expect(textsOf(header)[0]?.text.length).toBeLessThanOrEqual(SLACK_LIMITS.headerChars);
        for (const block of payload.blocks) {
          if (block.type !== 'section') continue;
          expect(block.fields?.length ?? 1).toBeLessThanOrEqual(SLACK_LIMITS.fields);
          for (const { text } of block.fields ?? []) expect(text.length).toBeLessThanOrEqual(SLACK_LIMITS.fieldChars);
        }
      }),
      { numRuns: 200 },
    );
  });
});
