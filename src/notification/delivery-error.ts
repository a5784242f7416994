/** Why a message was not accepted. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';

  private constructor(
    /** Whether the same message would be refused for ever. */
    readonly isPermanent: boolean,
    message: string,
    /** How long the other side wants to be left alone, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }

  static permanent(message: string): DeliveryError {
    return new DeliveryError(true, message);
  }

  static transient(message: string, retryAfterMs?: number): DeliveryError {
    return new DeliveryError(false, message, retryAfterMs);
  }
}
