const PLACES = 6;

/** Sum of plain decimals with at most six places, without a float in between. */
export function addAmounts(amounts: readonly string[]): string {
  return fromMillionths(amounts.reduce((sum, amount) => sum + toMillionths(amount), 0n));
}

function toMillionths(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(PLACES, '0'));
}

function fromMillionths(millionths: bigint): string {
  const digits = millionths.toString().padStart(PLACES + 1, '0');
  return `${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`;
}
