import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexDump } from './hex-dump.js';

describe('hexDump', () => {
  it('shows where bytes stand, what they are and what can be read', () => {
    const bytes = Buffer.concat([Buffer.from('{"campaignId":"7'), Buffer.from([0xff, 0x00, 0x0a])]);

    expect([...hexDump(bytes)]).toEqual([
      '00000000  7b 22 63 61 6d 70 61 69  67 6e 49 64 22 3a 22 37  |{"campaignId":"7|',
      '00000010  ff 00 0a                                          |...|',
    ]);
  });

  it('shows every byte of any bytes, and nothing that a terminal would obey', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (array) => {
        const lines = [...hexDump(Buffer.from(array))];
        const hex = lines.map((line) => line.slice(10, 58).replaceAll(' ', '')).join('');
        expect(hex).toBe(Buffer.from(array).toString('hex'));
        expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});
