const PER_LINE = 16;

/** Bytes as `hexdump -C` writes them: where they stand, what they are, and what of it can be read. */
export function* hexDump(bytes: Buffer): Generator<string> {
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const line = bytes.subarray(at, at + PER_LINE);
    const hex = [...line].map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = [hex.slice(0, PER_LINE / 2).join(' '), hex.slice(PER_LINE / 2).join(' ')].join('  ');
    const text = [...line].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    yield `${at.toString(16).padStart(8, '0')}  ${halves.padEnd(PER_LINE * 3)}  |${text}|`;
  }
}
