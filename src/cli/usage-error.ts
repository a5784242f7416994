/** What somebody typed makes no sense: the message says why in a line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  /** @param command whose usage helps, as it was typed: `dlq replay` */
  constructor(
    readonly command: string,
    fault: string,
  ) {
    super(`${command}: ${fault}`);
  }
}
