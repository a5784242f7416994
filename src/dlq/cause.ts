export const LONGEST_CAUSE = 200;
/** Of a longer message only the beginning is looked at: looking for quotes in a megabyte takes minutes. */
const LOOKED_AT = 1_000;

/** What stands for a number or an id, and for something quoted. */
const NUMBER = '#';
const QUOTED = '…';

/** Numbers of our own wording, with the words that they stand by: they are the same in each message, and say what is wrong. */
const OURS = [
  /(?<=\bnot )UTF-8/,
  /ISO 8601(?= time)/,
  /(?<=\b(?:below|above) )-?10\^14/,
  /(?<=\bbelow )2\^63/,
  /(?<=\bup to )9223372036854775807/,
  /(?<=\btext of )1 to \d+(?= characters)/,
];
const DIFFERING = [
  /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/,
  /\b(?=[a-z]*\d)[0-9a-f]{16,}\b/,
  /(?:(?<!\w)-)?\d+(?:\.\d+)?/,
];
const sourcesOf = (patterns: readonly RegExp[]): string => patterns.map(({ source }) => source).join('|');
const NUMBERS = new RegExp(`(${sourcesOf(OURS)})|${sourcesOf(DIFFERING)}`, 'gi');

/**
 * What a message has in common with others of its kind: digits, ids and quotes taken out. Letters of one cause are mended and
 * replayed together.
 */
export function causeOf(message: string): string {
  return (
    withoutSnippet(message.slice(0, LOOKED_AT))
      // One that was cut off has no end.
      .replace(/"[^"]*(?:"|$)|“[^”]*(?:”|$)|`[^`]*(?:`|$)/g, QUOTED)
      // Not the apostrophe of "doesn't".
      .replace(/(?<!\w)'[^']*'(?!\w)|(?<!\w)'''(?!\w)/g, QUOTED)
      .replace(NUMBERS, (_, ours: string | undefined) => ours ?? NUMBER)
      // eslint-disable-next-line no-control-regex -- a cause is one line, and shows as it is: somebody types it after `--cause`
      .replace(/[\s\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .trim()
      .slice(0, LONGEST_CAUSE)
      .trimEnd()
      .toWellFormed()
  );
}

const NO_JSON = ' is not valid JSON';

/** V8 quotes a piece of the text that it could not read, whose own quotes would look like the end of it. */
function withoutSnippet(message: string): string {
  const end = message.lastIndexOf(NO_JSON);
  const start = message.indexOf('"');
  if (start === -1 || start > end) return message;
  return `${message.slice(0, start).replace(/,? ?\.{0,3}$/, '')} ${QUOTED}${message.slice(end)}`;
}
