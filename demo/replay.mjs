import { join } from 'node:path';
import { projectFolder } from '../stack/places.mjs';
import { until } from '../stack/polling.mjs';
import { run } from '../stack/progress.mjs';
import { unpriced } from './campaigns.mjs';
import { chapter, patiently, say } from './terminal.mjs';

const DEADLINE_MS = 30_000;
const CLICKS = 5;
const PRICE = '0.35';
/** Of the columns of `dlq groups`: count, topic and code, then what says which cause it is. */
const COLUMNS = /^(\d+) +(\S+) +(\S+) .*? {2}(\D.*)$/;

/**
 * An operator finds a cause, mends it, and charges what failed for it: once, and each click at its own place.
 *
 * @param {import('./demo.mjs').Demo} demo
 */
export async function replay(demo) {
  const { promises, ledger } = demo;
  chapter('npm run cli -- dlq: what failed is mended and charged');
  const campaign = ['--campaign', `${unpriced.id}`];
  await until(async () => (await letters(demo, campaign)).length === CLICKS, {
    deadlineMs: DEADLINE_MS,
    waitingFor: 'the dead letters in the table',
    unless: () => demo.worker.failure,
  });
  const causes = await dlq(demo, 'groups');
  for (const line of causes.trim().split('\n').slice(1)) {
    const [, count, topic, code, rest] = COLUMNS.exec(line) ?? [];
    say(`${count} of ${topic}, ${code}: ${rest?.split(/ {2,}/).at(-1)}`);
  }
  await ledger.setPrice(unpriced, PRICE);
  say();
  say(`“${unpriced.name}” had no price. An operator enters ${PRICE}, and asks what a replay would do:`);
  const tried = await dlq(demo, 'replay', ...campaign, '--dry-run');
  for (const line of tried.trim().split('\n')) say(line);
  promises.check('charges after the dry run', await ledger.clicksOf(unpriced), 0);
  await sendTwice(demo, campaign);
}

/** @param {import('./demo.mjs').Demo} demo @param {string[]} campaign */
async function sendTwice(demo, campaign) {
  const decided = [...campaign, '--by', 'demo', '--reason', 'price entered'];
  say((await dlq(demo, 'replay', ...decided)).trim());
  await until(async () => (await letters(demo, campaign)).every(({ status }) => status === 'RESOLVED'), {
    deadlineMs: DEADLINE_MS,
    waitingFor: 'the outcome of the replay',
    unless: () => demo.worker.failure,
  });
  say(`A second time: ${(await dlq(demo, 'replay', ...decided)).trim()}; they are resolved`);
  const resolved = (await letters(demo, campaign)).filter(({ status }) => status === 'RESOLVED').length;
  demo.promises.check('resolved dead letters', resolved, CLICKS);
  demo.promises.check('charges of what was replayed', await demo.ledger.clicksOf(unpriced), CLICKS);
  demo.promises.replayed(unpriced, PRICE, CLICKS);
  demo.promises.checkAccounts(await demo.ledger.accounts());
}

/** @param {import('./demo.mjs').Demo} demo @param {string[]} filter */
async function letters(demo, filter) {
  return JSON.parse(await dlq(demo, 'list', ...filter, '--json'));
}

/** @param {import('./demo.mjs').Demo} demo @param {string[]} words */
function dlq({ stack, environment }, ...words) {
  const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL } = stack.env;
  const env = { PATH: process.env.PATH, KAFKA_BROKERS, DATABASE_URL, REDIS_URL, ...environment };
  const command = [join('dist', 'src', 'cli', 'main.js'), 'dlq', ...words];
  return patiently(`dlq ${words[0]}`, () => run(process.execPath, command, { cwd: projectFolder, env }));
}
