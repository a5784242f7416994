// What of a run can be held against another run on another machine: ratios of what was measured side by side, never times.
import { grouped, overRounds } from './results.mjs';

/**
 * How much worse a ratio may be before it is told.
 *
 * Throughputs are measured over whole seconds of full load, and differ by a tenth from run to run on a quiet machine; a ratio has
 * two of them. A percentile hangs on a few dozen clicks, and on what else the machine did in those seconds: the same code came out
 * more than twice as slow on a busy one.
 */
export const TOLERANCES = { throughput: 1.25, latency: 2.5 };

/**
 * @typedef {{ name: string, value: number, kind: 'throughput' | 'latency' }} Ratio of throughputs more is better, of latencies less
 * @typedef {Record<string, number>} Expected
 */

/** @param {import('./results.mjs').Results} results @returns {Ratio[]} */
export function ratiosOf(results) {
  const throughput = (name, value) => ({ name, value, kind: /** @type {const} */ ('throughput') });
  const spread = (name, its, beside) => [
    { name: `${name}, p50`, value: its.p50 / beside.p50, kind: /** @type {const} */ ('latency') },
    { name: `${name}, p99`, value: its.p99 / beside.p99, kind: /** @type {const} */ ('latency') },
  ];
  const { latency, oneAlone, grown } = results;
  const plain = latency.filter(({ strain }) => strain === undefined);
  const plainAt = (rate) => plain.find((other) => other.rate === rate) ?? { p50: NaN, p99: NaN };
  const [lowest] = plain;
  return [
    throughput(
      'Worker to the posting function alone',
      overRounds(results, (round) => round.worker / round.alone),
    ),
    throughput(
      'Worker to a bare insert',
      overRounds(results, (round) => round.worker / round.bare),
    ),
    throughput(
      'posting function alone to a bare insert',
      overRounds(results, (round) => round.alone / round.bare),
    ),
    throughput('posting function alone to a bare insert, at the end', grown.alone / grown.bare),
    ...plain.flatMap((one) =>
      spread(`latency at ${grouped(one.rate)} clicks/s to one click posted alone`, one, {
        p50: oneAlone,
        p99: oneAlone,
      }),
    ),
    ...latency
      .filter(({ strain }) => strain !== undefined)
      .flatMap((one) =>
        spread(`latency at ${grouped(one.rate)} clicks/s, ${one.strain}, to without`, one, plainAt(one.rate)),
      ),
    ...(lowest === undefined
      ? []
      : spread(
          `refunds at ${grouped(results.refunds.rate)}/s to clicks at ${grouped(lowest.rate)}/s`,
          results.refunds,
          lowest,
        )),
    ...results.pauses.flatMap((one) =>
      spread(`pauses to latency at ${grouped(one.rate)} clicks/s`, one, plainAt(one.rate)),
    ),
  ];
}

/**
 * What a run's ratios say beside those that were accepted, in lines to be read.
 *
 * @param {Ratio[]} ratios
 * @param {Expected} expected
 */
export function compare(ratios, expected) {
  const known = ratios.filter(({ name, value }) => Number.isFinite(value) && Number.isFinite(expected[name]));
  const worse = known.filter((ratio) => isWorse(ratio, expected[ratio.name]));
  const missing = Object.keys(expected).filter((name) => !known.some((ratio) => ratio.name === name));
  return [
    ...worse.map((ratio) => `worse than expected: ${ratio.name} is ${told(ratio, expected[ratio.name])}`),
    ...missing.map((name) => `not compared, since this run has no such figure: ${name}`),
    known.length === 0
      ? 'nothing to compare with: accept a run first'
      : `${worse.length} of ${known.length} ratios are worse than expected, beyond noise`,
  ];
}

/** To be kept for the next run: those that were measured. @param {Ratio[]} ratios @returns {Expected} */
export function expectedOf(ratios) {
  const measured = ratios.filter(({ value }) => Number.isFinite(value));
  return Object.fromEntries(measured.map(({ name, value }) => [name, short(value)]));
}

function isWorse({ value, kind }, expected) {
  return kind === 'throughput' ? value < expected / TOLERANCES.throughput : value > expected * TOLERANCES.latency;
}

function told({ value, kind }, expected) {
  const noise =
    kind === 'throughput'
      ? `down to ${short(expected / TOLERANCES.throughput)}`
      : `up to ${short(expected * TOLERANCES.latency)}`;
  return `${short(value)}, was ${expected} (${noise} it may be noise)`;
}

function short(value) {
  return Number(value.toPrecision(3));
}
