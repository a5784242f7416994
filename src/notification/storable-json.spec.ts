import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storableJson } from './storable-json.js';

describe('storableJson', () => {
  it('leaves JSON as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        fc.pre(!/\\u0000/.test(JSON.stringify(value)));
        expect(JSON.parse(storableJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('takes out what jsonb refuses, in names too', () => {
    const json = storableJson({ 'a\0b': ['c\0', '\ud83d', 'emoji 😀'], literal: '\\u0000' });

    expect(json).toBe('{"ab":["c","\ufffd","emoji 😀"],"literal":"\\\\u0000"}');
  });

  it('cuts a bottomless value off', () => {
    let deep: unknown = 'bottom';
    for (let i = 0; i < 100_000; i++) deep = [deep];

    expect(storableJson(deep)).toBe(`${'['.repeat(20)}"…"${']'.repeat(20)}`);
  });
});
