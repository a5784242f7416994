const PLACES = 6;

/** Sum of plain decimals with at most six places, without a float in between. */
export function addAmounts(amounts: readonly string[]): string {
  // Most of a group's clicks have one of a few prices.
  const times = new Map<string, number>();
  for (const amount of amounts) times.set(amount, (times.get(amount) ?? 0) + 1);
  let sum = 0n;
  for (const [amount, count] of times) sum += toMillionths(amount) * BigInt(count);
  return fromMillionths(sum);
}

/** A plain decimal with at most six places as whole millionths. */
export function toMillionths(amount: string): bigint {
  const point = amount.indexOf('.');
  if (point < 0) return BigInt(amount) * 1_000_000n;
  return BigInt(amount.slice(0, point) + amount.slice(point + 1).padEnd(PLACES, '0'));
}

/** Whole millionths as a decimal with six places. */
export function fromMillionths(millionths: bigint): string {
  if (millionths < 0n) return `-${fromMillionths(-millionths)}`;
  const digits = millionths.toString().padStart(PLACES + 1, '0');
  return `${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`;
}
