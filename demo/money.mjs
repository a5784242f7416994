// Money is counted in bigint millionths: a JavaScript number would round it.
const PLACES = 6;
const UNIT = 10n ** BigInt(PLACES);

/** @param {string} text a plain decimal, at most six places @returns {bigint} */
export function millionths(text) {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new Error(`${text} is no amount of money`);
  const value = BigInt(whole) * UNIT + BigInt(fraction.padEnd(PLACES, '0'));
  return sign ? -value : value;
}

/** As Postgres writes a numeric(20,6). @param {bigint} value in millionths */
export function decimal(value) {
  const digits = `${value < 0n ? -value : value}`.padStart(PLACES + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`;
}

/** For people: thousands apart. @param {bigint} value in millionths */
export function readable(value) {
  const [whole, fraction] = decimal(value).split('.');
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${fraction}`;
}
