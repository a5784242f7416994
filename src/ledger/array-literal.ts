/**
 * Postgres array literals. node-postgres writes them too, but looks at each element's type and escapes each number;
 * with twenty arrays of hundreds of elements a call, that was the dearest part of a posting outside the database.
 */

/** Query types: arrays of numeric would come back as floats, so that every answer stays text and is taken apart by `parsePlainArray`. */
export const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** Of numbers, ids and decimals: nothing that needs quotes. */
export function plainArray(elements: readonly (string | number | bigint | null)[]): string {
  return `{${elements.map((element) => element ?? 'NULL').join(',')}}`;
}

/** Of any text. */
export function textArray(elements: readonly (string | null | undefined)[]): string {
  let literal = '{';
  for (const element of elements) literal += literal === '{' ? quoted(element) : `,${quoted(element)}`;
  return `${literal}}`;
}

/** The elements of an array literal whose elements hold neither quotes nor commas. */
export function parsePlainArray(literal: string | null): (string | null)[] {
  if (literal === null || literal === '{}') return [];
  const elements: (string | null)[] = literal.slice(1, -1).split(',');
  if (literal.includes('NULL')) {
    for (let i = 0; i < elements.length; i++) if (elements[i] === 'NULL') elements[i] = null;
  }
  return elements;
}

function quoted(element: string | null | undefined): string {
  if (element === null || element === undefined) return 'NULL';
  // Two plain searches cost a tenth of a regular expression, and hardly any text has either.
  const plain = !element.includes('"') && !element.includes('\\');
  return `"${plain ? element : element.replace(/["\\]/g, '\\$&')}"`;
}
