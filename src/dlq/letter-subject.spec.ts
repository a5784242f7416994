import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subjectOf } from './letter-subject.js';

const read = (text: string) => subjectOf(Buffer.from(text));
const NOBODY = { campaignId: null, advertiserId: null, refundAmount: null };

describe('subjectOf', () => {
  it.each([
    ['{"campaignId":"7","advertiserId":8}', { campaignId: 7n, advertiserId: 8n }],
    ['{"campaign_id":7,"advertiser_id":"8"}', { campaignId: 7n, advertiserId: 8n }],
    ['{"campaignId":null,"campaign_id":7}', { campaignId: 7n }],
    ['{"campaignId":9007199254740993}', { campaignId: 9007199254740993n }],
    ['{"campaignId":9223372036854775807}', { campaignId: 9223372036854775807n }],
    ['{"refundAmount":98765432109876.123456}', { refundAmount: '98765432109876.123456' }],
    ['{"refund_amount":"0.75"}', { refundAmount: '0.75' }],
    ['{"refundAmount":-1,"campaignId":0,"advertiserId":"x"}', {}],
    ['{"campaignId":9223372036854775808}', {}],
    ['{"nested":{"campaignId":7}}', {}],
    ['{"__proto__":{"campaignId":7}}', {}],
    ['[{"campaignId":7}]', {}],
    ['{"campaignId":7', {}],
    ['', {}],
  ])('reads %s', (text, subject) => {
    expect(read(text)).toEqual({ ...NOBODY, ...subject });
  });

  it('reads ids beside bytes that are no text', () => {
    const value = Buffer.concat([
      Buffer.from('{"campaignId":7,"note":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);

    expect(subjectOf(value).campaignId).toBe(7n);
  });

  it('takes any bytes, and none', () => {
    expect(subjectOf(null)).toEqual(NOBODY);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const { campaignId, advertiserId } = subjectOf(Buffer.from(bytes));
          for (const id of [campaignId, advertiserId]) expect(id === null || (id > 0n && id < 2n ** 63n)).toBe(true);
        },
      ),
    );
  });
});
