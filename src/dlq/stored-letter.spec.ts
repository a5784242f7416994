import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConsumedRecord, RecordHeader } from '../platform/kafka/consumed-record.js';
import { deadLetterHeaders, type DeadLetter } from '../platform/kafka/dead-letter.js';
import { letterOf } from './stored-letter.js';

const LETTER: DeadLetter = {
  origin: { topic: 'ad-events', partition: 2, offset: 41n, timestamp: 1_700_000_000_123 },
  group: 'click-balance-processor',
  attempt: 3,
  code: 'UNKNOWN_PRICE',
  message: 'campaignId 7: no price',
  failedAt: new Date('2026-03-01T10:00:00.000Z'),
  key: Buffer.from('key'),
  value: Buffer.from('{"campaignId":"7","advertiserId":"8"}'),
  headers: [['mine', Buffer.from([0, 255])]],
};

describe('letterOf', () => {
  it('reads what the transport wrote', () => {
    expect(letterOf(record(deadLetterHeaders(LETTER)))).toEqual({
      ...LETTER,
      cause: 'campaignId #: no price',
      campaignId: 7n,
      advertiserId: 8n,
      refundAmount: null,
      isStub: false,
    });
  });

  it("keeps somebody else's record under its own coordinates", () => {
    expect(letterOf(record([['why', Buffer.from('bad')]]))).toMatchObject({
      origin: { topic: 'ad-events.dlq', partition: 1, offset: 5n, timestamp: 1_700_000_009_000 },
      group: 'unknown',
      attempt: 1,
      code: 'HANDLER_ERROR',
      failedAt: new Date(1_700_000_009_000),
      headers: [['why', Buffer.from('bad')]],
    });
  });

  it.each([
    ['dlq-origin-topic', 'other-events'],
    ['dlq-origin-partition', '99999999999'],
    ['dlq-origin-offset', 'x'],
    ['dlq-origin-timestamp', ''],
    ['dlq-group', ''],
  ])('believes no coordinates where %s is %j', (name, text) => {
    const { origin } = letterOf(record([...deadLetterHeaders(LETTER), [name, Buffer.from(text)]]));

    expect(origin.topic).toBe('ad-events.dlq');
  });

  it('makes of any headers something that Postgres takes', () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each));
    const name = fc.constantFrom(...deadLetterHeaders(LETTER).map(([each]) => each), 'dlq-kept-in', 'a\0b', '');
    const headers = fc.array(fc.tuple(name, bytes));
    fc.assert(
      fc.property(headers, (some) => {
        const letter = letterOf(record([...deadLetterHeaders(LETTER), ...some]));
        const texts = [
          letter.origin.topic,
          letter.group,
          letter.code,
          letter.message,
          letter.cause,
          ...letter.headers.map(([each]) => each),
        ];
        expect(texts.every((text) => !text.includes('\0') && text.isWellFormed())).toBe(true);
        expect(Number.isNaN(letter.failedAt.getTime())).toBe(false);
        expect(letter.attempt).toBeGreaterThan(0);
        expect(letter.group).not.toBe('');
      }),
    );
  });
});

function record(headers: readonly RecordHeader[]): ConsumedRecord {
  const { key, value } = LETTER;
  const place = { topic: 'ad-events.dlq', partition: 1, offset: 5n, timestamp: 1_700_000_009_000 };
  return { ...place, key, value, headers, message: {} as ConsumedRecord['message'] };
}
