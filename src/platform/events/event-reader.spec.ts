import { IsInt, IsOptional, IsString, ValidateIf, ValidateNested } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { PoisonError } from '../failure.js';
import { IsAmount, IsId, IsText, IsTime, OnlyWhere } from './event-fields.js';
import { compileReader, readPlain, SKIPPED, type EventReader } from './event-reader.js';

@OnlyWhere('eventKind', 'SALE')
class Sale {
  @IsId() readonly shopId!: bigint;
  @IsAmount({ above: '0' }) readonly netPrice!: string;
  @IsOptional() @IsText() readonly note?: string;
  @IsOptional() @IsTime() readonly soldAt?: number;
}

const readSale = compileReader(Sale);
const SALE = { eventKind: 'SALE', shopId: '7', netPrice: '1.5' };

const read = (fields: object): Sale | typeof SKIPPED => readSale(Buffer.from(JSON.stringify({ ...SALE, ...fields })));
const readText = (text: string): Sale | typeof SKIPPED => readSale(Buffer.from(text));

function refusalOf(value: Buffer | string, reader: EventReader<unknown> = readSale): string {
  try {
    reader(Buffer.from(value));
  } catch (error) {
    if (error instanceof PoisonError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('a compiled reader', () => {
  it('makes an event of the class, with what its decorators say', () => {
    const event = read({ note: 'first', soldAt: '2026-03-01 09:30:15' });

    expect(event).toBeInstanceOf(Sale);
    expect(event).toEqual({ shopId: 7n, netPrice: '1.5', note: 'first', soldAt: Date.UTC(2026, 2, 1, 9, 30, 15) });
  });

  it('ignores fields that it does not know', () => {
    expect(read({ colour: 'red', shop: { id: 8 } })).toEqual({ shopId: 7n, netPrice: '1.5' });
  });

  it('takes names in snake_case, as Flink SQL writes them', () => {
    expect(readText('{"event_kind":"SALE","shop_id":7,"net_price":1.5,"sold_at":12}')).toEqual({
      shopId: 7n,
      netPrice: '1.5',
      soldAt: 12,
    });
  });

  it('takes the snake_case name where the camelCase one is null', () => {
    expect(read({ shopId: null, shop_id: 9 })).toMatchObject({ shopId: 9n });
  });

  it('takes the camelCase name where both are there', () => {
    expect(read({ shop_id: 9 })).toMatchObject({ shopId: 7n });
  });

  it('takes ids and amounts by their digits, where a float would round them', () => {
    expect(readText('{"eventKind":"SALE","shopId":9007199254740993,"netPrice":98765432109876.123456}')).toEqual({
      shopId: 9007199254740993n,
      netPrice: '98765432109876.123456',
    });
  });

  it.each([
    ['escaped', '{"eventKind":"SALE","netPrice":1.5,"\\u0073hopId":9007199254740993}', { shopId: 9007199254740993n }],
    [
      'repeated, the last one counts',
      '{"eventKind":"SALE","shopId":1,"shopId":"2","netPrice":"3","netPrice":4}',
      { shopId: 2n, netPrice: '4' },
    ],
    ['behind a byte order mark', '\ufeff{"eventKind":"SALE","shopId":7,"netPrice":1}', { shopId: 7n }],
  ])('reads a field whose name is %s', (_how, text, fields) => {
    expect(readText(text)).toMatchObject(fields);
  });

  it('takes __proto__, constructor and toString for plain data', () => {
    const event = readText(
      '{"eventKind":"SALE","shopId":7,"netPrice":1,"__proto__":{"note":"x","shopId":8},"constructor":1,"toString":null}',
    );

    expect(event).toEqual({ shopId: 7n, netPrice: '1' });
    expect(Object.getPrototypeOf(event)).toBe(Sale.prototype);
  });

  it('does not take a field from __proto__', () => {
    expect(refusalOf('{"eventKind":"SALE","netPrice":1,"__proto__":{"shopId":8}}')).toBe(
      'INVALID_EVENT shopId: is missing',
    );
  });

  it.each([
    ['of another type', { note: 5 }],
    ['empty', { note: '' }],
    ['with a NUL inside', { note: 'a\0b' }],
    ['with half a character', { note: 'a\ud800' }],
    ['of 201 characters', { note: 'x'.repeat(201) }],
    ['of 201 characters that take two units each', { note: '🎯'.repeat(201) }],
    ['nested', { note: ['a'] }],
    ['that is no time', { soldAt: 'yesterday' }],
    ['with a day that there is not', { soldAt: '2026-02-30T00:00:00Z' }],
    ['before the epoch, in milliseconds', { soldAt: -5 }],
    ['beyond the year 9999', { soldAt: 1e300 }],
  ])('drops an optional field %s', (_what, fields) => {
    expect(read(fields)).toEqual({ shopId: 7n, netPrice: '1.5' });
  });

  it.each(['x'.repeat(200), '🎯'.repeat(200), ' '])('keeps an optional text of 1 to 200 characters', (note) => {
    expect(read({ note })).toMatchObject({ note });
  });

  it('takes a null optional field for an absent one', () => {
    expect(read({ note: null, soldAt: null })).toEqual({ shopId: 7n, netPrice: '1.5' });
  });

  it.each(['VIEW', '', 'sale', 'SALE ', 5, true, {}, ['SALE']])('skips a record whose field says %j', (eventKind) => {
    expect(read({ eventKind, shopId: 'broken' })).toBe(SKIPPED);
  });

  it.each([
    ['{"shopId":7,"netPrice":1}', 'INVALID_EVENT eventKind: is missing'],
    ['{"eventKind":null,"shopId":7,"netPrice":1}', 'INVALID_EVENT eventKind: is missing'],
    ['{"eventKind":"SALE","netPrice":1}', 'INVALID_EVENT shopId: is missing'],
    ['{"eventKind":"SALE","shopId":null,"netPrice":1}', 'INVALID_EVENT shopId: is missing'],
    [
      '{"eventKind":"SALE","shopId":1.5,"netPrice":1}',
      'INVALID_EVENT shopId 1.5: must be a positive whole number up to',
    ],
    [
      '{"eventKind":"SALE","shopId":"x","netPrice":1}',
      'INVALID_EVENT shopId "x": must be a positive whole number up to',
    ],
    ['{"eventKind":"SALE","shopId":{},"netPrice":1}', 'INVALID_EVENT shopId (an object): must be a positive'],
    ['{"eventKind":"SALE","shopId":[7],"netPrice":1}', 'INVALID_EVENT shopId (an array): must be a positive'],
    ['{"eventKind":"SALE","shopId":7,"netPrice":"-3"}', 'INVALID_EVENT netPrice "-3": must be above zero'],
    ['{"eventKind":"SALE","shopId":7,"netPrice":0}', 'INVALID_EVENT netPrice 0: must be above zero'],
    ['{"eventKind":"SALE","shopId":7,"netPrice":1e-7}', 'INVALID_EVENT netPrice 1e-7: must be a plain decimal'],
    ['[]', 'INVALID_EVENT the value is an array: must be a JSON object'],
    ['null', 'INVALID_EVENT the value is null: must be a JSON object'],
    ['5', 'INVALID_EVENT the value is a number: must be a JSON object'],
    ['"{}"', 'INVALID_EVENT the value is a string: must be a JSON object'],
    ['', 'INVALID_JSON the value is empty'],
    [' ', 'INVALID_JSON the value is no JSON'],
    ['\ufeff', 'INVALID_JSON the value is no JSON'],
    ['{"eventKind":"SALE"', 'INVALID_JSON the value is no JSON'],
    ["{'eventKind':'SALE'}", 'INVALID_JSON the value is no JSON'],
    ['{"eventKind":"SALE","shopId":NaN}', 'INVALID_JSON the value is no JSON'],
    ['{"eventKind":"SALE","shopId":007}', 'INVALID_JSON the value is no JSON'],
  ])('refuses %s', (text, refusal) => {
    expect(refusalOf(text)).toContain(refusal);
  });

  it('refuses bytes that are not UTF-8, and reads the next record all the same', () => {
    const broken = Buffer.concat([
      Buffer.from('{"eventKind":"SALE","note":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ]);

    expect(refusalOf(broken)).toBe('INVALID_JSON the value is no JSON: not UTF-8');
    expect(read({})).toMatchObject({ shopId: 7n });
  });

  it('names no NUL in its refusal, which could not be stored', () => {
    expect(refusalOf('\0\0{}')).not.toContain('\0');
  });

  it('shows no more than the beginning of a long value in its refusal', () => {
    expect(refusalOf(JSON.stringify({ ...SALE, shopId: '9'.repeat(10_000) })).length).toBeLessThan(200);
  });

  it.each([
    ['an unknown field', (deep: string) => `{"eventKind":"SALE","shopId":7,"netPrice":1,"x":${deep}}`, 'none'],
    ['a required field', (deep: string) => `{"eventKind":"SALE","shopId":${deep},"netPrice":1}`, 'INVALID_EVENT'],
    ['an optional field', (deep: string) => `{"eventKind":"SALE","shopId":7,"netPrice":1,"note":${deep}}`, 'none'],
    ['the field that decides', (deep: string) => `{"eventKind":${deep},"shopId":7}`, 'none'],
    ['everything', (deep: string) => deep, 'INVALID_EVENT'],
  ])('lives through 100,000 brackets in %s', (_where, text, refusal) => {
    expect(refusalOf(text('['.repeat(100_000) + ']'.repeat(100_000)))).toContain(refusal);
  });

  it('refuses 100,000 brackets that never close', () => {
    expect(refusalOf('['.repeat(100_000))).toContain('INVALID_JSON');
  });
});

describe('compileReader', () => {
  it("takes class-validator's own checks too", () => {
    class Note {
      @IsString() readonly text!: string;
      @IsOptional() @IsInt() readonly stars?: number;
    }
    const reader = compileReader(Note);

    expect(reader(Buffer.from('{"text":"a","stars":1.5}'))).toEqual({ text: 'a' });
    expect(refusalOf('{"text":5}', reader)).toBe('INVALID_EVENT text 5: must be a string');
  });

  it('gives the decorator its own words', () => {
    class Note {
      @IsString({ message: 'must be written' }) readonly text!: string;
    }

    expect(refusalOf('{"text":5}', compileReader(Note))).toBe('INVALID_EVENT text 5: must be written');
  });

  it.each([ValidateNested(), ValidateIf(() => true), IsString({ each: true })])(
    'refuses at the start what it could not check',
    (decorate) => {
      class Odd {
        readonly field!: unknown;
      }
      decorate(Odd.prototype, 'field');

      expect(() => compileReader(Odd)).toThrow(/^Odd\.field: events have flat fields, \w+ is not supported$/);
    },
  );
});

describe('readPlain', () => {
  it('gives the object as it stands', () => {
    expect(readPlain(Buffer.from('{"a":[1]}'))).toEqual({ a: [1] });
  });

  it('refuses what is no object', () => {
    expect(refusalOf('[1]', readPlain)).toContain('INVALID_EVENT');
  });
});
