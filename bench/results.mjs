// What a run has measured, and what chart and ratios both make of it.

/**
 * @typedef {{ p50: number, p99: number }} Spread in milliseconds; NaN where nothing was seen
 * @typedef {{ bare: number, alone: number, worker: number }} Round clicks a second
 * @typedef {Spread & { rate: number, strain?: string }} Latency at so many clicks a second, while something else goes on
 * @typedef {object} Results
 * @property {'quick' | 'full'} kind
 * @property {Round[]} rounds
 * @property {number} oneAlone milliseconds in which the posting function charges a single click
 * @property {{ rows: number, bare: number, alone: number }} grown both once more, with so many clicks charged before
 * @property {Latency[]} latency
 * @property {Spread & { rate: number }} refunds
 * @property {(Spread & { rate: number })[]} pauses
 * @property {(Spread & { what: string })[]} rollOuts
 */

/** @param {number[]} numbers */
export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

/** The median over the rounds of what `of` makes of each. @param {Results} results @param {(round: Round) => number} of */
export function overRounds({ rounds }, of) {
  return median(rounds.map(of));
}

/** @param {number} number */
export function grouped(number) {
  return Math.round(number).toLocaleString('en');
}
