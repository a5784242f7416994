import { describe, expect, it } from 'vitest';
import { withoutSecrets } from './secrets.js';

describe('withoutSecrets', () => {
  it('leaves none of them, the longest first', () => {
    expect(withoutSecrets('POST https://h/a/b and /a/b', ['/a/b', 'https://h/a/b'])).toBe('POST *** and ***');
  });

  it('passes empty ones over', () => {
    expect(withoutSecrets('HTTP 500', [''])).toBe('HTTP 500');
  });

  it('is one line of a few hundred characters', () => {
    const said = withoutSecrets(` a\r\nb\0c ${'x'.repeat(9_999)}`, []);

    expect(said).toMatch(/^a b c x+$/);
    expect(said).toHaveLength(300);
  });
});
