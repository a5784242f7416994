import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileReader } from '../platform/events/event-reader.js';
import { CompensationEvent } from './compensation.event.js';

const readCompensation = compileReader(CompensationEvent);
const readText = (text: string): unknown => readCompensation(Buffer.from(text));
const read = (fields: object): unknown => readText(JSON.stringify(fields));

const LEAST = { advertiserId: 6, refundAmount: '0.75' };
const LEAST_READ = { advertiserId: 6n, refundAmount: '0.75' };

describe('CompensationEvent', () => {
  it('reads what a job writes in camelCase', () => {
    const event = {
      compensationId: 'c-1',
      campaignId: '5',
      advertiserId: '6',
      originalEventId: 'e-1',
      duplicateEventId: 'e-2',
      refundAmount: '0.75',
      reason: 'DUPLICATE_CLICK',
      detectedAt: '2026-03-01T00:00:00Z',
    };

    expect(read(event)).toEqual({
      ...event,
      campaignId: 5n,
      advertiserId: 6n,
      detectedAt: Date.UTC(2026, 2, 1),
    });
  });

  it('reads what Flink SQL writes', () => {
    const text = `{"compensation_id":"c-1","campaign_id":5,"advertiser_id":9007199254740993,"original_event_id":"e-1",
      "duplicate_event_id":"e-2","refund_amount":98765432109876.123456,"reason":null,"detected_at":"2026-03-01 00:00:00.5"}`;

    expect(readText(text)).toEqual({
      compensationId: 'c-1',
      campaignId: 5n,
      advertiserId: 9_007_199_254_740_993n,
      originalEventId: 'e-1',
      duplicateEventId: 'e-2',
      refundAmount: '98765432109876.123456',
      detectedAt: Date.UTC(2026, 2, 1) + 500,
    });
  });

  it.each([
    ['0.1', '0.1'],
    ['7.5E-1', '0.75'],
    ['1e-6', '0.000001'],
    ['1.20e1', '12'],
    ['3', '3'],
    ['0.10', '0.1'],
    ['98765432109876.123456', '98765432109876.123456'],
    ['"1.10"', '1.1'],
  ])('takes the amount %s by its digits', (written, amount) => {
    expect(readText(`{"advertiserId":6,"refundAmount":${written}}`)).toEqual({ ...LEAST_READ, refundAmount: amount });
  });

  it.each([
    ['a text', '"c-1"', 'c-1'],
    ['a text of 200 characters', `"${'🙂'.repeat(200)}"`, '🙂'.repeat(200)],
    ['a text of digits', '"17"', '17'],
    ['a text that only looks like a number', '"017"', '017'],
    ['a blank text', '" "', ' '],
    ['a number', '17', '17'],
    ['a number above 2^53', '9007199254740993', '9007199254740993'],
    ['a number above 2^63', '92233720368547758080', '92233720368547758080'],
    ['a whole number written otherwise', '1.7e1', '17'],
    ['a whole number with a fraction of zero', '17.0', '17'],
    ['zero', '0', '0'],
    ['minus zero', '-0', '0'],
    ['a number below zero, as a hash may be', '-17', '-17'],
  ])('takes %s for a compensationId', (_what, written, compensationId) => {
    expect(readText(`{"advertiserId":6,"refundAmount":"0.75","compensationId":${written}}`)).toEqual({
      ...LEAST_READ,
      compensationId,
    });
  });

  it.each([
    '1.5',
    'true',
    '""',
    '[]',
    '{}',
    '["c-1"]',
    '1e300',
    '1e-1',
    '"a\\u0000b"',
    '"\\ud800"',
    `"${'x'.repeat(201)}"`,
  ])('refuses the compensationId %s, and never does without it', (written) => {
    for (const name of ['compensationId', 'compensation_id']) {
      expect(() => readText(`{"advertiserId":6,"refundAmount":"0.75","${name}":${written}}`)).toThrow(
        /^compensationId .*: must be a text of 1 to 200 characters or a whole number$/,
      );
    }
  });

  it('does without a compensationId that is null or absent', () => {
    expect(read(LEAST)).toEqual(LEAST_READ);
    expect(read({ ...LEAST, compensationId: null, compensation_id: null })).toEqual(LEAST_READ);
  });

  it('does without optional fields that are broken', () => {
    const broken = {
      campaignId: -5,
      originalEventId: 7,
      duplicateEventId: 'with\0nul',
      reason: 'x'.repeat(201),
      detectedAt: 'soon',
    };

    expect(read({ ...LEAST, ...broken })).toEqual(LEAST_READ);
    expect(read({ ...LEAST, campaignId: {}, originalEventId: [], reason: '', detectedAt: true })).toEqual(LEAST_READ);
  });

  it.each([
    ['advertiserId', {}],
    ['advertiserId', { advertiserId: null }],
    ['advertiserId', { advertiserId: 0 }],
    ['advertiserId', { advertiserId: '6.5' }],
    ['refundAmount', { refundAmount: null }],
    ['refundAmount', { refundAmount: '0' }],
    ['refundAmount', { refundAmount: 0 }],
    ['refundAmount', { refundAmount: '-0.75' }],
    ['refundAmount', { refundAmount: '0.0000001' }],
    ['refundAmount', { refundAmount: '100000000000000' }],
    ['refundAmount', { refundAmount: '1e2' }],
    ['refundAmount', { refundAmount: 'NaN' }],
    ['refundAmount', { refundAmount: [1] }],
  ])('refuses a wrong %s: %j', (field, fields) => {
    const event = Object.keys(fields).length === 0 ? { refundAmount: '1' } : { ...LEAST, ...fields };

    expect(() => read(event)).toThrow(new RegExp(`^${field}`));
  });
});

describe('a compensationId', () => {
  it('is the same however it is written: as a number, or as the text of its digits', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 70n), 2n ** 70n), (id) => {
        const written = (text: string) => readText(`{"advertiserId":6,"refundAmount":1,"compensationId":${text}}`);

        expect(written(`${id}`)).toEqual(written(`"${id}"`));
        expect(written(`${id}.0`)).toEqual(written(`"${id}"`));
      }),
    );
  });

  it('is kept to the letter, or refuses its record; whatever JSON it is, it is never lost', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
        ),
        (json) => {
          const given: unknown = JSON.parse(json);
          let read: Partial<CompensationEvent> | undefined;
          try {
            read = readText(`{"compensationId":${json},"advertiserId":6,"refundAmount":1}`) as CompensationEvent;
          } catch (error) {
            expect(error).toMatchObject({ code: 'INVALID_EVENT' });
          }

          if (given === null) expect(read).toEqual({ advertiserId: 6n, refundAmount: '1' });
          else if (read !== undefined) {
            expect(read.compensationId).toMatch(/^[^\0]{1,200}$/su);
            expect(['string', 'number']).toContain(typeof given);
            expect(typeof given === 'string' ? read.compensationId : Number(read.compensationId)).toBe(
              Object.is(given, -0) ? 0 : given,
            );
          } else if (typeof given === 'string') {
            expect(given === '' || given.includes('\0') || !given.isWellFormed() || given.length > 200).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('an amount', () => {
  it('is exact by its digits, as a number and as a text', () => {
    const digits = fc.tuple(fc.bigInt(0n, 10n ** 14n - 1n), fc.stringMatching(/^\d{0,5}[1-9]$/));
    fc.assert(
      fc.property(digits, fc.json(), ([whole, places], other) => {
        const amount = `${whole}.${places}`;

        for (const written of [amount, `"${amount}"`]) {
          expect(readText(`{"x":${other},"refund_amount":${written},"advertiser_id":6}`)).toEqual({
            advertiserId: 6n,
            refundAmount: amount,
          });
        }
      }),
    );
  });
});
