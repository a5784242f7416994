// The machine's own arithmetic: the Worker's is what it judges.

/** @param {string} text a decimal with at most six places @returns millionths */
export function millionths(text) {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (whole === '') throw new Error(`${text} is no amount`);
  const amount = BigInt(whole + fraction.padEnd(6, '0'));
  return sign === '-' ? -amount : amount;
}

/** @param {bigint} amount in millionths */
export function decimal(amount) {
  const digits = `${amount < 0n ? -amount : amount}`.padStart(7, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
