import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, readable, readableLine } from './readable-text.js';

const anyText = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));

describe('readable text', () => {
  it('keeps what people write', () => {
    const text = 'Ünïcödé 한국어 😀\n\tand a second line';

    expect(readable(text, 1_000)).toBe(text);
  });

  it('takes out what nobody can see', () => {
    expect(readable('a\0b\u0007c\u202ed\u2066e\r\nf', 100)).toBe('abcde\nf');
    expect(readableLine(' a \r\n b\u2028c\t', 100)).toBe('a b c');
  });

  it('is cut between characters, and never within what one was escaped to', () => {
    expect(readable('12345', 5)).toBe('12345');
    expect(readable('123456', 5)).toBe('1234…');
    expect(readable('12<', 5, escapeHtml)).toBe('12…');
    expect(readable('😀😀😀', 4)).toBe('😀…');
  });

  it('is never longer than it may be, and always well formed', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 50 }), (text, longest) => {
        const cut = readable(text, longest, escapeHtml);

        expect(cut.length).toBeLessThanOrEqual(longest);
        expect(cut.isWellFormed()).toBe(true);
        expect(cut.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[&<>"']/);
      }),
    );
  });
});
