import type { NewAlert } from '../alerts/alert-publisher.js';
import { toMillionths } from '../ledger/millionths.js';

/** Nearly every balance is seen to be above zero by its first digit: Postgres writes no leading zeros. */
export function isAtMostZero(balance: string): boolean {
  return (balance.startsWith('-') || balance.startsWith('0')) && toMillionths(balance) <= 0n;
}

/** Whether a charge took a balance from above zero to zero or below; all decimals. */
export function crossesZero(balanceAfter: string, amount: string): boolean {
  return isAtMostZero(balanceAfter) && toMillionths(balanceAfter) + toMillionths(amount) > 0n;
}

/** One for each crossing: its id is that of the charge that crossed. */
export function balanceExhausted(
  advertiserId: bigint,
  campaignId: bigint,
  { idempotencyKey, balance }: { idempotencyKey: string; balance: string },
): NewAlert {
  return {
    alertId: `balance-exhausted:${idempotencyKey}`,
    type: 'BALANCE_EXHAUSTED',
    severity: 'critical',
    subject: { advertiserId: advertiserId.toString(), campaignId: campaignId.toString() },
    message: `advertiser ${advertiserId} has used up its balance: it stands at ${balance}`,
    details: { balance },
  };
}
