import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { chapter, count, patiently, say } from './terminal.mjs';
import { AD_EVENTS } from './topics.mjs';
import { plainClicks } from './traffic.mjs';

const PER_SECOND = 500;
const SECONDS = 2;
const EVERY_MS = 20;
const PROMISED_SECONDS = '0.05';
/** The demo alone does not bring the load of a minute so far. */
const BUSY = 2;
const PREFIX = 'steady';

/** Clicks as they come on an ordinary day, one after the other: how soon is each one charged? */
export async function steady({ topics, worker, ledger, promises }) {
  chapter(`A steady stream of ${count(PER_SECOND)} clicks a second: how soon are they charged?`);
  const clicks = plainClicks(PER_SECOND * SECONDS, PREFIX);
  promises.sent(clicks);
  const before = await settledInTime(worker);
  await patiently('sending clicks', () => send(topics, clicks));
  await topics.settled(worker);
  const after = await settledInTime(worker);

  const { p50, p99 } = await ledger.latency(PREFIX);
  const inTime = (100 * (after.inTime - before.inTime)) / (after.all - before.all);
  say('From the record’s timestamp to created_at of its row:');
  say(`half within ${p50.toFixed(1)} ms, 99 % within ${p99.toFixed(1)} ms`);
  say('Until it was settled, by the Worker’s metric worker_record_latency_seconds:');
  say(`${inTime.toFixed(1)} % within 50 ms`);
  const [load, cores] = [loadavg()[0], availableParallelism()];
  if (load > BUSY * cores) say(`(This machine has other work: a load of ${load.toFixed(0)} on ${cores} cores.)`);
  promises.check('steady clicks charged', (await ledger.charged(PREFIX)).charges, clicks.length);
}

async function send(topics, clicks) {
  const portion = (PER_SECOND * EVERY_MS) / 1000;
  const begin = performance.now();
  const sends = [];
  for (let at = 0; at < clicks.length; at += portion) {
    sends.push(topics.send(clicks.slice(at, at + portion)));
    await pause(begin + sends.length * EVERY_MS - performance.now());
  }
  await Promise.all(sends);
}

async function settledInTime(worker) {
  const topic = `topic="${AD_EVENTS}"`;
  const metric = 'worker_record_latency_seconds';
  return {
    inTime: await worker.metric(`${metric}_bucket`, topic, `le="${PROMISED_SECONDS}"`),
    all: await worker.metric(`${metric}_count`, topic),
  };
}
