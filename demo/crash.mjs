import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../stack/polling.mjs';
import { chapter, count, patiently, say } from './terminal.mjs';
import { CLICK_GROUP } from './topics.mjs';
import { plainClicks } from './traffic.mjs';

const CLICKS = 3_000;
const KILL_AFTER = 1_000;
const PORTION = 250;
const PREFIX = 'crash';
/** For Postgres to end what the dead Worker had under way. */
const LAST_COMMIT_MS = 100;

/** The Worker dies in the middle of a burst, and another one takes over. @param {import('./demo.mjs').Demo} demo */
export async function crash(demo) {
  const { topics, ledger, promises } = demo;
  chapter(`kill -9 in the middle of ${count(CLICKS)} more clicks`);
  const clicks = plainClicks(CLICKS, PREFIX);
  promises.sent(clicks);
  const before = sum(await topics.committed());
  const dead = demo.worker;
  const sending = sendAll(topics, clicks);
  await until(async () => (await ledger.charged(PREFIX)).charges >= KILL_AFTER, {
    deadlineMs: 30_000,
    everyMs: 5,
    waitingFor: `${KILL_AFTER} charges`,
    unless: () => dead.failure,
  });
  await dead.end('SIGKILL');
  await Promise.all([sending, pause(LAST_COMMIT_MS)]);

  const committed = sum(await topics.committed()) - before;
  const { charges } = await ledger.charged(PREFIX);
  say(`Killed process ${dead.pid} with ${count(charges)} charged and only ${count(committed)} offsets committed:`);
  say(`Kafka will deliver ${count(charges - committed)} charged clicks again.`);
  // It would find out itself when the session time-out of 30 s is over.
  await topics.removeMembers();
  const begin = performance.now();
  demo.worker = await patiently('starting the Worker again', () => demo.startWorker());
  await patiently('waiting until all are settled', () => topics.settled(demo.worker));
  const seconds = (performance.now() - begin) / 1000;
  const group = [`group="${CLICK_GROUP}"`, 'outcome="repeated"'];
  const repeated = await demo.worker.metric('worker_records_total', ...group);
  say(
    `Process ${demo.worker.pid} met ${count(repeated)} of those and was done ${seconds.toFixed(1)} s after its start.`,
  );
  say('(The demo told Kafka of the death, which itself waits for 30 s of silence.)');
  const after = await ledger.charged(PREFIX);
  say(
    `Sent: ${count(CLICKS)} clicks. Charged: ${count(after.charges)}, from ${count(after.records)} different records.`,
  );
  promises.check('charges and records after the kill', after, { charges: CLICKS, records: CLICKS });
  promises.checkAccounts(await ledger.accounts());
}

async function sendAll(topics, clicks) {
  for (let at = 0; at < clicks.length; at += PORTION) await topics.send(clicks.slice(at, at + PORTION));
}

/** @param {Map<number, number>} offsets */
const sum = (offsets) => [...offsets.values()].reduce((total, offset) => total + offset, 0);
