import type { Alert } from '../alerts/alert.js';

/** One alert for a person to read. */
interface SingleMessage {
  readonly kind: 'single';
  readonly alert: Alert;
}

/** Many alerts of one type and cause. */
export interface GroupMessage {
  readonly kind: 'group';
  readonly count: number;
  /** The first few of them, at least one. */
  readonly examples: readonly [Alert, ...Alert[]];
  /** When the first and the last of them came, in milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export type Message = SingleMessage | GroupMessage;

/**
 * A way to reach people. A new one is a class that extends this and a line in `notification.module.ts`; claiming, retries,
 * grouping and counting come by themselves.
 */
export abstract class NotificationChannel {
  /** What stands in `notification_deliveries.channel`; it never changes once rows bear it. */
  abstract readonly name: string;

  /**
   * Resolves when the other side has accepted the message. It may be called twice with one message: after a crash nobody
   * knows whether the first got through.
   *
   * @param signal gives the message up; what settles long after is no longer heard
   * @throws DeliveryError with no secret in its message; anything else counts as transient
   */
  abstract send(message: Message, signal: AbortSignal): Promise<void>;

  /** Lets go of what it holds open. */
  close(): void {
    // Most hold nothing.
  }
}
