import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactNumbers } from './exact-numbers.js';

const textsOf = (json: string): Record<string, string> =>
  Object.fromEntries([...exactNumbers(json)].map(([name, { text }]) => [name, text]));

describe('exactNumbers', () => {
  it.each([
    ['a number that a float cannot hold', '{"id":9007199254740993}', { id: '9007199254740993' }],
    ['several, with blanks around them', ' { "a" : 1 ,\n\t"b" : -2.50E+1\r\n} ', { a: '1', b: '-2.50E+1' }],
    ['none of the other kinds', '{"a":"1","b":null,"c":true,"d":[1],"e":{"a":2}}', {}],
    ['those after nested values', '{"a":{"b":[1,{"c":"]}"}]},"d":4}', { d: '4' }],
    ['those after strings full of JSON', '{"a":"\\",\\"id\\":1}","id":2}', { id: '2' }],
    ['those after a string that ends in a backslash', '{"a":"\\\\","id":2,"b":"\\\\\\""}', { id: '2' }],
    ['a name with escapes as what it means', '{"\\u0063ampaignId":7,"a\\"b":8}', { campaignId: '7', 'a"b': '8' }],
    ['the last of several with one name', '{"id":1,"\\u0069d":2}', { id: '2' }],
    ['nothing where the last of several is no number', '{"id":1,"id":"2"}', {}],
    ['an empty name', '{"":5}', { '': '5' }],
    ['nothing in an empty object', '{}', {}],
  ])('finds %s', (_what, json, numbers) => {
    expect(textsOf(json)).toEqual(numbers);
  });

  it('takes __proto__ for a name like any other', () => {
    const numbers = exactNumbers('{"__proto__":1,"constructor":2}');

    expect(numbers.get('__proto__')?.text).toBe('1');
    expect(numbers.get('constructor')?.text).toBe('2');
  });

  it('finds what JSON.parse finds, in whatever object', () => {
    const name = fc.oneof(fc.constantFrom('id', '__proto__', '\\', '"', '\0🎯'), fc.string({ maxLength: 4 }));
    const blank = fc.constantFrom('', ' ', '\t\r\n');
    const field = fc.tuple(name, fc.oneof(fc.integer(), fc.double(), fc.jsonValue({ maxDepth: 2 })), blank, blank);
    fc.assert(
      fc.property(fc.array(field, { maxLength: 4 }), (fields) => {
        const parts = fields.map(
          ([key, value, a, b]) => `${a}${JSON.stringify(key)}${b}:${a}${JSON.stringify(value)}${b}`,
        );
        const json = `{${parts.join(',')}}`;

        const numbers = exactNumbers(json);

        const parsed = Object.entries(JSON.parse(json) as object).filter(([, value]) => typeof value === 'number');
        expect(new Map([...numbers].map(([key, { text }]) => [key, Number(text)]))).toEqual(new Map(parsed));
      }),
    );
  });
});
