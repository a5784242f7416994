import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storableText } from './storable-text.js';

const anyText = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));

describe('storableText', () => {
  it('has no NUL and no half characters, and is no longer than it may be', () => {
    fc.assert(
      fc.property(anyText, fc.option(fc.nat(20), { nil: undefined }), (text, longest) => {
        const stored = storableText(text, longest);

        expect(stored).not.toContain('\0');
        expect(stored.isWellFormed()).toBe(true);
        expect(stored.length).toBeLessThanOrEqual(longest ?? text.length);
      }),
    );
  });

  it.each([
    ['plain, with an emoji 😀', undefined, 'plain, with an emoji 😀'],
    ['a\0b', 2, 'ab'],
    ['ab😀', 3, 'ab\ufffd'],
    ['\ud83d', undefined, '\ufffd'],
    ['ab', 0, ''],
  ])('makes %j of %j', (text, longest, stored) => {
    expect(storableText(text, longest)).toBe(stored);
  });
});
