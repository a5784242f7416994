/** Control characters, and ones that turn the direction of what stands around them. */
// eslint-disable-next-line no-control-regex -- these are what is taken out
const UNREADABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text from an event, of at most `longest` UTF-16 units once each character was escaped; line breaks and tabs stay. */
export function readable(text: string, longest: number, escape: (character: string) => string = same): string {
  const clean = text.replaceAll('\r\n', '\n').replaceAll(UNREADABLE, '').toWellFormed();
  let whole = '';
  let fits = '';
  for (const character of clean) {
    whole += escape(character);
    if (whole.length > longest) return `${fits}…`;
    if (whole.length < longest) fits = whole;
  }
  return whole;
}

/** The same on one line. */
export function readableLine(text: string, longest: number, escape?: (character: string) => string): string {
  return readable(text.replaceAll(/[\s\u2028\u2029]+/g, ' ').trim(), longest, escape);
}

/** `&`, `<`, `>` and quotes, as HTML wants them. */
export function escapeHtml(character: string): string {
  return HTML[character] ?? character;
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const same = (character: string): string => character;
