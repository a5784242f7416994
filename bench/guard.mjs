import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chart } from './chart.mjs';
import { compare, expectedOf, ratiosOf } from './ratios.mjs';
import { say } from './say.mjs';

const CHART = 'docs/bench.svg';
const EXPECTED = 'bench/expected.json';

/**
 * Draws the results of a full run, and says what is worse than it was: for people to look at, nothing fails of it. A quick run is held against a
 * quick one: it pays more for what happens once.
 *
 * @param {import('./results.mjs').Results} results
 * @param {boolean} accept whether these ratios are what the next runs are held against
 */
export function holdAgainstExpected(results, accept) {
  if (results.kind === 'full') {
    writeFileSync(CHART, chart(results));
    say(`drawn: ${CHART}`);
  }
  const expected = existsSync(EXPECTED) ? JSON.parse(readFileSync(EXPECTED, 'utf8')) : {};
  const ratios = ratiosOf(results);
  for (const line of compare(ratios, expected[results.kind] ?? {})) say(line);
  if (!accept) return;
  writeFileSync(EXPECTED, `${JSON.stringify({ ...expected, [results.kind]: expectedOf(ratios) }, null, 2)}\n`);
  say(`accepted: ${EXPECTED}`);
}
