import { describe, expect, it } from 'vitest';
import { parsePlainArray, plainArray, textArray } from './array-literal.js';

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
});
