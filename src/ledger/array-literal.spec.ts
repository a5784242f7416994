import fc from 'fast-check';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { parsePlainArray, plainArray, textArray } from './array-literal.js';

/** `text[]` in pg_type. */
const TEXT_ARRAY = 1009 as unknown as Parameters<typeof pg.types.getTypeParser>[0];

describe('array literals', () => {
  it('quote every text, so that none is taken for syntax', () => {
    expect(textArray(['a', '', 'NULL', null, undefined, '{,}', 'say "hi"', 'back\\slash'])).toBe(
      '{"a","","NULL",NULL,NULL,"{,}","say \\"hi\\"","back\\\\slash"}',
    );
  });

  it('go there and back', () => {
    expect(plainArray([1n, 2, '3.5', null])).toBe('{1,2,3.5,NULL}');
    expect(parsePlainArray('{1,2,3.5,NULL}')).toEqual(['1', '2', '3.5', null]);
    expect([plainArray([]), textArray([])]).toEqual(['{}', '{}']);
    expect([parsePlainArray('{}'), parsePlainArray(null)]).toEqual([[], []]);
  });

  it('of any texts are read as they were by whoever reads Postgres’s', () => {
    const readTexts = pg.types.getTypeParser(TEXT_ARRAY) as (literal: string) => unknown;
    const special = fc.constantFrom('"', '\\', '{', '}', ',', ' ', 'NULL', 'null', '\n', "'");
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(special, { maxLength: 6 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(fc.array(fc.option(text, { nil: null }), { maxLength: 10 }), (texts) => {
        expect(readTexts(textArray(texts))).toEqual(texts);
      }),
    );
  });

  it('of plain elements come back as they went', () => {
    const element = fc.oneof(fc.bigInt().map(String), fc.stringMatching(/^-?\d{1,14}\.\d{6}$/), fc.constant('ACTIVE'));
    fc.assert(
      fc.property(fc.array(fc.option(element, { nil: null })), (elements) => {
        expect(parsePlainArray(plainArray(elements))).toEqual(elements);
      }),
    );
  });
});
