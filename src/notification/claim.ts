import type { Message } from './notification-channel.js';

/**
 * A message that this process sends, and nobody else does until the lease ends. No transaction is open meanwhile: a process
 * that dies leaves the message to whoever looks after the lease.
 */
export interface Claim {
  /** Names it within its channel. */
  readonly key: string;
  readonly message: Message;
  /** With the one that begins now. */
  readonly attempts: number;
  readonly rows: SingleRow | GroupRows;
}

interface SingleRow {
  readonly kind: 'single';
  readonly alertId: string;
}

/** All that waited when it was claimed. */
export interface GroupRows {
  readonly kind: 'group';
  readonly cause: string;
  /** Later ones have a higher `seq`: only who holds the lock of a burst stores rows of it. */
  readonly lastSeq: string;
}
