import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactNumber, isAboveZero, readAmount, readId, readTime } from './values.js';

const MAX_ID = 2n ** 63n - 1n;

/** A JSON number in any way it can be written, with its value in units of 10^-60. */
const jsonNumber = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: fc.oneof(fc.constant('0'), fc.bigInt(1n, 10n ** 24n).map(String)),
    fraction: fc.option(fc.stringMatching(/^\d{1,12}$/), { nil: '' }),
    exponent: fc.option(fc.integer({ min: -30, max: 30 }), { nil: 0 }),
    mark: fc.constantFrom('e', 'E', 'e0', 'E+00'),
  })
  .map(({ sign, whole, fraction, exponent, mark }) => {
    const power = exponent < 0 ? `${mark.slice(0, 1)}${exponent}` : `${mark}${exponent}`;
    const text = `${sign}${whole}${fraction && `.${fraction}`}${exponent === 0 ? '' : power}`;
    const value = BigInt(`${sign}${whole}${fraction}`) * 10n ** BigInt(60 + exponent - fraction.length);
    return { text, value };
  });

describe('readId', () => {
  it.each([
    ['1', 1n],
    ['007', 7n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', MAX_ID],
    [new ExactNumber('9223372036854775807'), MAX_ID],
    [new ExactNumber('1e3'), 1000n],
    [new ExactNumber('1E+003'), 1000n],
    [new ExactNumber('12.0'), 12n],
  ])('reads %j by its digits', (raw, id) => {
    expect(readId(raw)).toBe(id);
  });

  it.each([
    '',
    '0',
    '-1',
    '+1',
    ' 1',
    '1\n',
    '1.0',
    '1e3',
    '0x10',
    '9223372036854775808',
    '١٢',
    new ExactNumber('0'),
    new ExactNumber('-1'),
    new ExactNumber('1.5'),
    new ExactNumber('9223372036854775808'),
    new ExactNumber('9007199254740992.0000000001'),
    new ExactNumber('1e999'),
    new ExactNumber('1e99999999999'),
    new ExactNumber('1e-999'),
    7,
    null,
    undefined,
    true,
    {},
    ['1'],
  ])('refuses %j, which is no positive whole number up to 2^63-1 or a string of one', (raw) => {
    expect(readId(raw)).toBeUndefined();
  });

  it('never rounds a JSON number, however it is written', () => {
    fc.assert(
      fc.property(jsonNumber, ({ text, value }) => {
        const unit = 10n ** 60n;
        const id = value % unit === 0n ? value / unit : 0n;
        expect(readId(new ExactNumber(text))).toBe(id > 0n && id <= MAX_ID ? id : undefined);
      }),
    );
  });
});

describe('readAmount', () => {
  it.each([
    ['0.75', '0.75'],
    ['0.750000', '0.75'],
    ['0.7500000000', '0.75'],
    ['00012.5', '12.5'],
    ['12.0', '12'],
    ['0', '0'],
    ['-0.00', '0'],
    ['-3', '-3'],
    ['99999999999999.999999', '99999999999999.999999'],
    [new ExactNumber('98765432109876.123456'), '98765432109876.123456'],
    [new ExactNumber('7.5E-1'), '0.75'],
    [new ExactNumber('1e-6'), '0.000001'],
    [new ExactNumber('12e2'), '1200'],
  ])('reads %j as %s', (raw, amount) => {
    expect(readAmount(raw)).toBe(amount);
  });

  it.each([
    '',
    '.5',
    '1.',
    '+1',
    '1e2',
    '1,5',
    '1 000',
    ' 1',
    '1\n',
    'NaN',
    'Infinity',
    '100000000000000',
    '0.0000001',
    '1.1234567',
    new ExactNumber('100000000000000'),
    new ExactNumber('1e14'),
    new ExactNumber('1e-7'),
    new ExactNumber('0.10000000000000000000001'),
    0.75,
    null,
    undefined,
    ['1'],
  ])('refuses %j, which is not a plain decimal that numeric(20,6) holds', (raw) => {
    expect(readAmount(raw)).toBeUndefined();
  });

  it('takes a JSON number by its digits, exactly or not at all', () => {
    fc.assert(
      fc.property(jsonNumber, ({ text, value }) => {
        const unit = 10n ** 54n;
        const fits = value % unit === 0n && value > -(10n ** 74n) && value < 10n ** 74n;
        const amount = readAmount(new ExactNumber(text));
        expect(amount === undefined ? undefined : millionths(amount)).toBe(fits ? value / unit : undefined);
      }),
    );
  });

  it('writes an amount in its shortest form, which reads as itself', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?\d{1,15}(\.\d{1,7})?$/), (text) => {
        const amount = readAmount(text);
        if (amount === undefined) return;
        expect(amount).toMatch(/^(0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d*[1-9])$/);
        expect(readAmount(amount)).toBe(amount);
        expect(isAboveZero(amount)).toBe(millionths(amount) > 0n);
      }),
    );
  });

  it('refuses a megabyte of digits without spending time on it', () => {
    const zeros = '0'.repeat(500_000);
    const started = performance.now();

    const read = [`${zeros}.${zeros}x`, `${zeros}1`, `1.${zeros}`].map(readAmount);

    expect(read).toEqual([undefined, undefined, undefined]);
    expect(performance.now() - started).toBeLessThan(400);
  });
});

describe('readTime', () => {
  it.each([
    ['2026-03-01', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01T09:30', '2026-03-01T09:30:00.000Z'],
    ['2026-03-01 09:30:15', '2026-03-01T09:30:15.000Z'],
    ['2026-03-01 09:30:15.1', '2026-03-01T09:30:15.100Z'],
    ['2026-03-01 09:30:15.123', '2026-03-01T09:30:15.123Z'],
    ['2026-03-01T09:30:15.123456789Z', '2026-03-01T09:30:15.123Z'],
    ['2026-03-01T09:30:15,5Z', '2026-03-01T09:30:15.500Z'],
    ['2026-03-01T09:30:15+09:00', '2026-03-01T00:30:15.000Z'],
    ['2026-03-01T09:30:15-0330', '2026-03-01T13:00:15.000Z'],
    ['2026-03-01T09:30:15+09', '2026-03-01T00:30:15.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['1969-12-31T23:59:59Z', '1969-12-31T23:59:59.000Z'],
    [new ExactNumber('1772357415123'), '2026-03-01T09:30:15.123Z'],
    [new ExactNumber('1.772357415123E12'), '2026-03-01T09:30:15.123Z'],
    [new ExactNumber('1772357415123.999'), '2026-03-01T09:30:15.123Z'],
    [new ExactNumber('0'), '1970-01-01T00:00:00.000Z'],
  ])('reads %j as %s', (raw, iso) => {
    expect(readTime(raw)).toBe(Date.parse(iso));
  });

  it.each([
    '',
    'now',
    '2026-02-29',
    '2026-02-30T00:00:00Z',
    '2026-13-01',
    '2026-00-10',
    '2026-04-31 00:00:00',
    '0000-01-01',
    '2026-03-01T24:00:00Z',
    '2026-03-01T09:60:00Z',
    '2026-03-01T09:30:61Z',
    '2026-03-01T09:30:15+19:00',
    '2026-03-01T09:30:15+09:60',
    '2026-03-01T09:30:15 Seoul',
    '2026-03-01T09:30:15Z\n',
    '+002026-03-01T00:00:00Z',
    new ExactNumber('-1'),
    new ExactNumber('-0.5'),
    new ExactNumber('253402300800000'),
    new ExactNumber('1e300'),
    1772357415123,
    null,
    undefined,
    {},
  ])('refuses %j, which is no moment', (raw) => {
    expect(readTime(raw)).toBeUndefined();
  });

  it('reads what any moment is written as, in ISO 8601, in SQL and in milliseconds', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0101-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const iso = date.toISOString();

          expect(readTime(iso)).toBe(date.getTime());
          expect(readTime(iso.replace('T', ' ').slice(0, -1))).toBe(date.getTime());
          if (date.getTime() >= 0) expect(readTime(new ExactNumber(String(date.getTime())))).toBe(date.getTime());
        },
      ),
    );
  });
});

function millionths(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.replace('-', '').split('.');
  return (amount.startsWith('-') ? -1n : 1n) * BigInt(whole + fraction.padEnd(6, '0'));
}
