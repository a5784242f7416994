import { grouped } from './results.mjs';

/** @param {string} line */
export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {number} rate */
export function perSecond(rate) {
  return `${grouped(rate)}/s`;
}

/** @param {number} value */
export function ms(value) {
  return `${value.toFixed(1)} ms`;
}
