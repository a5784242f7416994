import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causeOf } from './cause.js';

describe('causeOf', () => {
  it.each([
    ['campaignId 999: there is no such campaign', 'campaignId #: there is no such campaign'],
    ['refundAmount "-3": must be above zero', 'refundAmount …: must be above zero'],
    ['campaignId 7: its price is -12.50', 'campaignId #: its price is #'],
    ['event 0b1c2d3e-0000-4000-8000-00aabbccddee is odd', 'event # is odd'],
    ['hash deadbeefdeadbeef01 differs', 'hash # differs'],
    ['the value is no JSON: not UTF-8', 'the value is no JSON: not UTF-8'],
    ['timestamp 7: must be an ISO 8601 time, or so', 'timestamp #: must be an ISO 8601 time, or so'],
    [
      'refundAmount "1e20": must be a plain decimal below 10^14 with at most six decimal places',
      'refundAmount …: must be a plain decimal below 10^14 with at most six decimal places',
    ],
    ['its balance would be -7.5, and must stay above -10^14', 'its balance would be #, and must stay above -10^14'],
    ['advertiserId 0: must be above zero and below 2^63', 'advertiserId #: must be above zero and below 2^63'],
    [
      'campaignId 9223372036854775807: must be a positive whole number up to 9223372036854775807',
      'campaignId #: must be a positive whole number up to 9223372036854775807',
    ],
    ['reason 5: must be a text of 1 to 200 characters', 'reason #: must be a text of 1 to 200 characters'],
    ['campaignId 8: UTF-8 and 2^63', 'campaignId #: UTF-# and #^#'],
    ["x doesn't work, and y can't", "x doesn't work, and y can't"],
    ["field 'a' or 'b' is missing", 'field … or … is missing'],
    ['a quote "that never ends', 'a quote …'],
    ['two\nlines\0 and\ta tab', 'two lines and a tab'],
    ['shown\u0085as it\u202e is', 'shown as it is'],
    [`${'x'.repeat(199)} y`, 'x'.repeat(199)],
    ['', ''],
  ])('makes %j %j', (message, cause) => {
    expect(causeOf(message)).toBe(cause);
  });

  it('has one cause for what JSON.parse says of the same fault in different records', () => {
    const faults = [
      ['{"a":1}}', '{"name":"Kim"}}'],
      ['{"a":1,}', '{"campaignId":"77",}'],
      ['{"a" 1}', '{"campaignId" "12"}'],
      ['nonsense', 'nothing "of" the kind'],
      ['{"a":"b', '{"campaignId":"12'],
    ];

    for (const texts of faults) expect(new Set(texts.map(saidOf)).size, texts.join(' and ')).toBe(1);
  });

  it('has the same for messages that differ in ids, and never takes long or throws', () => {
    // Lone surrogates too; fast-check's own strings of these take seconds to set up.
    const anyText = fc.uint16Array().map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), anyText, (id, noise) => {
        expect(causeOf(`campaignId ${id}: unknown`)).toBe('campaignId #: unknown');
        const cause = causeOf(noise);
        expect(cause.length).toBeLessThanOrEqual(200);
        expect(cause.isWellFormed()).toBe(true);
        expect(cause).not.toMatch(/[\0\n\d]/);
      }),
    );
    expect(causeOf('"a'.repeat(100_000)).length).toBeLessThanOrEqual(200);
  });
});

function saidOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return causeOf(`the value is no JSON: ${(error as Error).message}`);
  }
  throw new Error(`${text} is JSON`);
}
