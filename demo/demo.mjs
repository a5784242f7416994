// npm run demo
//
// Starts real Kafka, Postgres and Redis and the Worker, sends clicks of every kind through it, and shows what became of
// them. It holds the Worker to what it promises: anything else ends it with a status that is not 0.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../stack/places.mjs';
import { prepare } from '../stack/prepare.mjs';
import { STACK_MARKER } from '../stack/processes.mjs';
import { Stack } from '../stack/stack.mjs';
import { balances, burst } from './burst.mjs';
import { budgets } from './budgets.mjs';
import { campaigns, enterCampaigns } from './campaigns.mjs';
import { crash } from './crash.mjs';
import { deadLetters } from './dead-letters.mjs';
import { Ledger } from './ledger.mjs';
import { Promises } from './promises.mjs';
import { reconcile } from './reconcile.mjs';
import { refunds } from './refunds.mjs';
import { replay } from './replay.mjs';
import { SlackStandIn } from './slack-stand-in.mjs';
import { steady } from './steady.mjs';
import { chapter, complain, headline, patiently, say, table } from './terminal.mjs';
import { Topics } from './topics.mjs';
import { WorkerProcess } from '../stack/worker-process.mjs';
import { zoneAtNoon } from '../stack/zone-at-noon.mjs';

/**
 * @typedef {object} Demo
 * @property {Stack} stack
 * @property {SlackStandIn} slack
 * @property {Record<string, string>} environment what the Worker and its commands must agree on
 * @property {(nodeArguments?: string[]) => Promise<WorkerProcess>} startWorker
 * @property {Topics} topics
 * @property {Ledger} ledger
 * @property {WorkerProcess} worker
 * @property {Promises} promises
 */

const LOG_FILE = 'demo/worker.log';
const SIGNAL_STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const begin = performance.now();
const stack = new Stack({ log: complain });
const slack = new SlackStandIn();
// Whatever this process starts, an installation too, bears the mark and ends with the stack.
process.env[STACK_MARKER] = stack.dataFolder;
let finishing = false;

for (const [signal, status] of Object.entries(SIGNAL_STATUS)) process.on(signal, () => void finish(status));
process.on('uncaughtException', (error) => void fail(error));

try {
  headline('The Worker charges each click once: here with real Kafka, Postgres and Redis');
  await prepare({ build: true, log: complain });
  await finish(await tell());
} catch (error) {
  await fail(error);
}

/** The whole story. @returns the status to exit with */
async function tell() {
  const { default: pg } = await import('pg'); // installed by prepare(), perhaps just now
  const { Redis } = await import('ioredis');
  await patiently('starting Kafka, Postgres and Redis', () => stack.start());
  const database = new pg.Client({ connectionString: stack.env.MIGRATION_DATABASE_URL, ssl: false });
  const redis = new Redis(stack.env.REDIS_URL);
  for (const connection of [database, redis]) connection.on('error', () => {}); // what waits for an answer says so
  await database.connect();
  await slack.open();
  const environment = { BUDGET_TIMEZONE: zoneAtNoon() };
  const parts = { topics: new Topics(), promises: new Promises(), ledger: new Ledger(database) };
  const demo = { stack, slack, startWorker, environment, ...parts };

  await setUp(demo, database, redis);
  const sent = await burst(demo);
  await balances(demo);
  await deadLetters(demo, sent);
  await replay(demo);
  await steady(demo);
  await crash(demo);
  await refunds(demo);
  await budgets(demo);
  await reconcile(demo);
  demo.promises.check('exit status of the Worker after SIGTERM', await demo.worker.end('SIGTERM'), 0);
  return close(demo.promises);
}

/** @param {string[]} nodeArguments */
function startWorker(nodeArguments = []) {
  // It is noon there: no midnight comes in between.
  const env = { BUDGET_TIMEZONE: zoneAtNoon(), SLACK_WEBHOOK_URL: slack.url };
  return WorkerProcess.start(stack, LOG_FILE, { nodeArguments, env });
}

/** @param {Demo} demo */
async function setUp(demo, database, redis) {
  chapter('Four advertisers and their campaigns');
  writeFileSync(join(projectFolder, LOG_FILE), '');
  [demo.worker] = await Promise.all([
    patiently('starting the Worker', () => startWorker()),
    demo.topics.connect(stack.env.KAFKA_BROKERS),
    enterCampaigns(database, redis),
  ]);
  const rows = campaigns.map(({ advertiser, name, redis: inRedis, database: inPostgres, note }) => {
    return [name, advertiser.name, inRedis ?? '', inPostgres ?? '', note];
  });
  table(['campaign', 'advertiser', 'Redis', 'Postgres', ''], rows);
  say('A click costs the price in Redis, or where there is none that in Postgres.');
  say('The long id is above 2^53: as a JavaScript number it would be another one.');
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  say();
  say(`After ${seconds} s the servers and the Worker, process ${demo.worker.pid}, are up. The Worker`);
  say(`answers on ${demo.worker.url}/health/ready and /metrics; its log is ${LOG_FILE}`);
}

/** @param {Promises} promises */
function close({ kept, broken }) {
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  if (broken.length > 0) {
    for (const line of broken) complain(`not as promised: ${line}`);
    return 1;
  }
  headline(`All as promised: ${kept} checks, money to the millionth, in ${seconds} s. Go on with`);
  table(
    ['', ''],
    [
      ['npm run stack', 'the same three servers to play with; it prints four variables'],
      ['npm start', 'in another terminal, with those variables set: the Worker'],
      ['npm test', 'every test, against real servers'],
      ['README.md', 'how a click travels, how to add a capability, operation'],
    ],
  );
  return 0;
}

/** @param {Error} error */
async function fail(error) {
  if (!finishing) complain(error.message);
  await finish(1);
}

/** Takes everything down. The first reason to end is the one that counts: a later one is its consequence. */
async function finish(status) {
  if (finishing) return;
  finishing = true;
  await stack.stop();
  process.exit(status);
}
