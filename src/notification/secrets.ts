const LONGEST_CHARS = 300;

/**
 * What went wrong in one line, for the log and `last_error`, without the secrets that drivers and servers repeat.
 *
 * @param secrets texts that stand for nothing else; empty ones are passed over
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets.toSorted((a, b) => b.length - a.length)) {
    if (secret !== '') clean = clean.replaceAll(secret, '***');
  }
  return clean
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_CHARS)
    .toWellFormed();
}
