import { IsOptional } from 'class-validator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PoisonError } from '../failure.js';
import { IsAmount, IsId, IsText, IsTime, OnlyWhere } from './event-fields.js';
import { compileReader, SKIPPED } from './event-reader.js';

@OnlyWhere('eventKind', 'SALE')
class Sale {
  @IsId() readonly shopId!: bigint;
  @IsAmount({ above: '0' }) readonly netPrice!: string;
  @IsOptional() @IsText() readonly note?: string;
  @IsOptional() @IsTime() readonly soldAt?: number;
}

const readSale = compileReader(Sale);

/** What the reader makes of a record; whatever else it throws fails the test. */
function outcomeOf(value: Buffer): Sale | 'skipped' | 'INVALID_JSON' | 'INVALID_EVENT' {
  try {
    const event = readSale(value);
    return event === SKIPPED ? 'skipped' : event;
  } catch (error) {
    if (error instanceof PoisonError && (error.code === 'INVALID_JSON' || error.code === 'INVALID_EVENT'))
      return error.code;
    throw error;
  }
}

/** An event holds only what the rest of the Worker may rely on. */
function expectSound(outcome: ReturnType<typeof outcomeOf>): void {
  if (typeof outcome === 'string') return;
  expect(Object.getPrototypeOf(outcome)).toBe(Sale.prototype);
  expect(outcome.shopId > 0n && outcome.shopId < 2n ** 63n).toBe(true);
  expect(outcome.netPrice).toMatch(/^(?!0$)(0|[1-9]\d{0,13})(\.\d{0,5}[1-9])?$/);
  if (outcome.note !== undefined) expect(outcome.note).toMatch(/^[^\0]{1,400}$/su);
  if (outcome.soldAt !== undefined) expect(new Date(outcome.soldAt).getTime()).toBe(Math.trunc(outcome.soldAt));
}

const NAMES = ['eventKind', 'event_kind', 'shopId', 'shop_id', 'netPrice', 'net_price', 'note', 'soldAt', 'sold_at'];
const ODD_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''];
const LITERALS = [
  '"SALE"',
  '"7"',
  '7',
  '9223372036854775807',
  '1.5',
  '-0',
  '1e5',
  '1E-400',
  '1e400',
  'null',
  '""',
  '"\\u0000"',
];

/** The text of a JSON value, likely one that a field takes. */
const jsonText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...LITERALS) },
  { weight: 1, arbitrary: fc.date({ noInvalidDate: true }).map((date) => JSON.stringify(date)) },
  { weight: 1, arbitrary: fc.json() },
);

/** A name as JSON may write it: each of its letters plain or escaped. */
const jsonName = fc
  .tuple(fc.constantFrom(...NAMES, ...ODD_NAMES), fc.integer({ min: 0, max: 3 }))
  .map(([name, from]) => {
    const escaped = Array.from(name.slice(from)).map(
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    return `"${from === 0 ? name : name.slice(0, from) + escaped.join('')}"`;
  });

const record = fc
  .array(fc.tuple(jsonName, jsonText), { maxLength: 8 })
  .map((fields) => `{${['"eventKind":"SALE"', ...fields.map((field) => field.join(':'))].join(',')}}`);

describe('every byte string is an event, skipped, INVALID_JSON or INVALID_EVENT', { timeout: 30_000 }, () => {
  it('where the bytes are random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expectSound(outcomeOf(Buffer.from(bytes)));
      }),
      { numRuns: 500 },
    );
  });

  it('where they are JSON of any shape', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(outcomeOf(Buffer.from(text))).not.toBe('INVALID_JSON');
      }),
      { numRuns: 300 },
    );
  });

  it('where they are an object with fields that the reader knows, in any order, as often as may be', () => {
    fc.assert(
      fc.property(record, (text) => {
        const outcome = outcomeOf(Buffer.from(text));

        expect(outcome).not.toBe('INVALID_JSON');
        expectSound(outcome);
      }),
      { numRuns: 1_000 },
    );
  });

  it('where they are such an object with some bytes changed or its end cut off', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(record, damage, fc.nat(), (text, changes, length) => {
        const bytes = Buffer.from(text);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;

        expectSound(outcomeOf(bytes));
        expectSound(outcomeOf(bytes.subarray(0, length % bytes.length)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a record that its bytes show to be another kind is skipped unread', () => {
  const kind = fc.oneof(
    fc.constantFrom('"SALE"', '"S\\u0041LE"', '"VISIT"', '"sale"', '"SALES"', 'null', '7', '["SALE"]', '"\\"SALE"'),
    fc.json(),
  );
  const blanks = fc.constantFrom('', ' ', '  ', '\n');
  const field = fc
    .tuple(fc.oneof(fc.constantFrom('"eventKind"', '"event_kind"'), jsonName), blanks, blanks, fc.oneof(kind, jsonText))
    .map(([name, before, after, value]) => `${name}${before}:${after}${value}`);
  const object = fc.array(field, { maxLength: 6 }).map((fields) => `{${fields.join(',')}}`);

  /** Whether JSON.parse finds the kind that the reader is for. */
  function isSale(text: string): boolean {
    const json = JSON.parse(text) as Record<string, unknown>;
    const own = (name: string) => (Object.hasOwn(json, name) ? json[name] : undefined);
    return (own('eventKind') ?? own('event_kind')) === 'SALE';
  }

  it('and never is one that the parser finds to be of the kind', () => {
    const seen = { sale: 0, skipped: 0 };
    fc.assert(
      fc.property(object, (text) => {
        const outcome = outcomeOf(Buffer.from(text));

        seen[isSale(text) ? 'sale' : 'skipped']++;
        if (isSale(text)) expect(outcome).not.toBe('skipped');
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(seen.sale, seen.skipped)).toBeGreaterThan(100);
  });

  it('even where it is no JSON, but never where it might say that it has no kind', () => {
    expect(outcomeOf(Buffer.from('{"eventKind":"VISIT",}'))).toBe('skipped');
    expect(outcomeOf(Buffer.from('{"event_kind": "VISIT"} and more'))).toBe('skipped');
    expect(outcomeOf(Buffer.from('{"eventKind":"VISIT"'))).toBe('INVALID_JSON');
    expect(outcomeOf(Buffer.from('{"eventKind":null}'))).toBe('INVALID_EVENT');
    expect(outcomeOf(Buffer.from('{"kind":"eventKind"}'))).toBe('INVALID_EVENT');
    expect(outcomeOf(Buffer.from('{"eventKind":"S\\u0041LE","shopId":1,"netPrice":"1"}'))).toEqual({
      shopId: 1n,
      netPrice: '1',
    });
  });
});

describe('numbers', () => {
  it('are exact by their digits, whatever stands around them', () => {
    const id = fc.bigInt(1n, 2n ** 63n - 1n);
    const amount = fc.tuple(fc.bigInt(0n, 10n ** 14n - 1n), fc.stringMatching(/^\d{0,5}[1-9]$/));
    fc.assert(
      fc.property(id, amount, fc.json(), (shopId, [whole, places], other) => {
        const text = `{"x":${other},"eventKind":"SALE","shopId":${shopId},"y":${other},"netPrice":${whole}.${places}}`;

        expect(outcomeOf(Buffer.from(text))).toEqual({ shopId, netPrice: `${whole}.${places}` });
      }),
    );
  });

  it('are the same as their texts', () => {
    fc.assert(
      fc.property(fc.bigInt(-5n, 2n ** 63n + 5n), (id) => {
        const asNumber = Buffer.from(`{"eventKind":"SALE","shopId":${id},"netPrice":1}`);
        const asText = Buffer.from(`{"eventKind":"SALE","shopId":"${id}","netPrice":"1"}`);

        expect(outcomeOf(asNumber)).toEqual(outcomeOf(asText));
      }),
    );
  });
});

describe('size', () => {
  it.each([
    ['nested arrays', `{"x":${'['.repeat(500_000)}${']'.repeat(500_000)},"eventKind":"SALE","shopId":7,"netPrice":1}`],
    [
      'nested objects where an amount belongs',
      `{"eventKind":"SALE","netPrice":${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)},"shopId":7}`,
    ],
    ['many fields', `{${'"x":1,'.repeat(150_000)}"eventKind":"SALE","shopId":7,"netPrice":1}`],
    [
      'a long text of quotes and backslashes',
      `{"x":"${'\\\\\\"'.repeat(250_000)}","eventKind":"SALE","shopId":7,"netPrice":1}`,
    ],
    [
      'a long text where an amount belongs',
      `{"eventKind":"SALE","shopId":7,"netPrice":"${'0'.repeat(500_000)}.${'0'.repeat(500_000)}x"}`,
    ],
    ['a long number where an amount belongs', `{"eventKind":"SALE","shopId":7,"netPrice":1.${'0'.repeat(1_000_000)}1}`],
    ['a long number where an id belongs', `{"eventKind":"SALE","netPrice":7,"shopId":1${'0'.repeat(1_000_000)}}`],
  ])('holds nobody up: a megabyte of %s', (_what, text) => {
    const bytes = Buffer.from(text);
    const started = performance.now();

    expectSound(outcomeOf(bytes));

    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
