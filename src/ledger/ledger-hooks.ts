import type { Posting } from './posting.js';

/** Why a call was of no use: the server did not answer, or refused all of it (read-only, a missing right, too many connections). */
export const CALL_FAILURES = ['no_answer', 'refused'] as const;
export type CallFailure = (typeof CALL_FAILURES)[number];

/** Who wants to count what the ledger does. It is called for each group: it must be quick and never throw. */
export interface LedgerObserver {
  /** New postings of one type in a group; `amount` is their sum, a decimal. Repeats are not among them. */
  posted(type: Posting['type'], count: number, amount: string): void;
  /** How many postings a call to the database answered. */
  group(size: number): void;
  /** A call to the database failed: its postings are tried again. */
  callFailed(cause: CallFailure): void;
}

/** What others hang into the ledger; each registers itself when its module starts. */
export class LedgerHooks implements LedgerObserver {
  private readonly observers: LedgerObserver[] = [];

  observe(observer: LedgerObserver): void {
    this.observers.push(observer);
  }

  posted(type: Posting['type'], count: number, amount: string): void {
    for (const observer of this.observers) observer.posted(type, count, amount);
  }

  group(size: number): void {
    for (const observer of this.observers) observer.group(size);
  }

  callFailed(cause: CallFailure): void {
    for (const observer of this.observers) observer.callFailed(cause);
  }
}
