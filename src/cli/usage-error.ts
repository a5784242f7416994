/** What somebody typed makes no sense: the message says why in a line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
