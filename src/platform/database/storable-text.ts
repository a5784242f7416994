/**
 * Text that Postgres takes, of at most `longest` UTF-16 units: without NUL, and without half a surrogate pair, also where it
 * was cut.
 */
export function storableText(text: string, longest?: number): string {
  return text.replaceAll('\0', '').slice(0, longest).toWellFormed();
}
