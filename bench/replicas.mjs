// How far it goes past one Worker: what docs/scale.md reckons with.
import { setTimeout as pause } from 'node:timers/promises';
import { TcpProxy } from '../stack/tcp-proxy.mjs';
import { FOREIGN_TOPICS } from '../stack/topics.mjs';
import { WorkerProcess } from '../stack/worker-process.mjs';
import { ADVERTISERS, CAMPAIGNS, LOG_FILE } from './bed.mjs';
import { chargeOver, clicks, CONNECTIONS } from './ceiling.mjs';
import { cpuSecondsOf } from './processes.mjs';
import { grouped, median } from './results.mjs';
import { ms, perSecond, say } from './say.mjs';

/** Two can share six partitions evenly, and so can three. */
export const STACK_FOR_REPLICAS = {
  topics: FOREIGN_TOPICS.map(({ topic }) => ({ topic, partitions: 6 })),
  postgresSettings: { track_wal_io_timing: 'on' },
};
const GROUP_SIZES = [1, 10, 100, 500, 1_000];
const CALLS = 60;
const REPLICAS = [1, 2, 3];
/** Postgres that is so far away leaves the machine idle: what then holds a Worker back is its own. */
const DISTANCE_MS = 100;
const CAMPAIGNS_OF_ONE = CAMPAIGNS / ADVERTISERS;
const LOOK_EVERY_MS = 20;
const DEADLINE_MS = 300_000;

/** @param {import('./bed.mjs').Bed} bed @param {number} events */
export async function measureReplicas(bed, events) {
  await measureGroups(bed);
  await measureHotAdvertiser(bed);
  for (const replicas of REPLICAS) sayBacklog(named(replicas), await backlogOf(bed, { events, replicas }));
  const most = REPLICAS.at(-1);
  const apart = await backlogOf(bed, {
    events,
    replicas: most,
    clickOf: (n) => byAdvertiser(bed.click(n, `apart-${n}`)),
  });
  sayBacklog(`${named(most)}, records keyed by advertiser`, apart);
  for (const replicas of [1, most]) {
    const clickOf = (n) => bed.clickOf(1 + (n % CAMPAIGNS_OF_ONE) * ADVERTISERS, `hot-${n}`);
    const hot = await backlogOf(bed, { events: events / 4, replicas, clickOf });
    sayBacklog(`${named(replicas)}, one advertiser with ${CAMPAIGNS_OF_ONE} campaigns`, hot);
  }
  await measureDistance(bed, events / 4);
}

function byAdvertiser(click) {
  return { ...click, key: JSON.parse(click.value).advertiserId };
}

async function measureDistance(bed, events) {
  const { port } = bed.stack.postgres;
  const proxy = await TcpProxy.open({ port, delayMs: DISTANCE_MS });
  const env = { DATABASE_URL: bed.stack.env.DATABASE_URL.replace(`:${port}/`, `:${proxy.port}/`) };
  try {
    for (const replicas of REPLICAS) {
      const far = await backlogOf(bed, { events, replicas, env });
      sayBacklog(`${named(replicas)}, Postgres ${DISTANCE_MS} ms away each way`, far);
    }
  } finally {
    await proxy.close();
  }
}

/** How long a group takes from call to answer: no row of it is locked for longer. */
async function measureGroups(bed) {
  for (const size of GROUP_SIZES) {
    await bed.tidy();
    const before = await walOf(bed);
    const { calls } = await chargeOver(bed, [clicks(CALLS * size)], size);
    const { bytes, syncs, syncMs } = since(before, await walOf(bed));
    say(
      `group of ${grouped(size)}: p50 ${ms(median(calls))}  max ${ms(Math.max(...calls))}   ` +
        `${(bytes / CALLS / size).toFixed(0)} bytes of WAL a click, flushes of ${ms(syncMs / syncs)}`,
    );
  }
}

/** All clicks of one advertiser's one campaign: one row that is locked, whoever charges. */
async function measureHotAdvertiser(bed) {
  for (const size of GROUP_SIZES) {
    const rates = [];
    for (const connections of [1, CONNECTIONS]) {
      await bed.tidy();
      const lanes = Array.from({ length: connections }, () => clicks(CALLS * size, 1));
      const { ms: took } = await chargeOver(bed, lanes, size);
      rates.push((connections * CALLS * size * 1_000) / took);
    }
    const [one, several] = rates.map(perSecond);
    say(`one advertiser, groups of ${grouped(size)}: ${one} over one connection, ${several} over ${CONNECTIONS}`);
  }
}

/**
 * Works off a backlog with several Workers, between the first tenth of it and the last. They sleep while it is written.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {{ events: number, replicas: number, env?: Record<string, string>, clickOf?: (n: number) => object }} options
 */
async function backlogOf(bed, { events, replicas, env, clickOf }) {
  await bed.startGroupsHere();
  await bed.tidy();
  const start = () => WorkerProcess.start(bed.stack, LOG_FILE, { env });
  const workers = await Promise.all(Array.from({ length: replicas }, start));
  const cpu = async () => ({
    node: (await Promise.all(workers.map((worker) => worker.metric('process_cpu_seconds_total')))).reduce(
      (a, b) => a + b,
    ),
    postgres: cpuSecondsOf(bed.stack.postgres.pid),
    ...(await walOf(bed)),
  });
  try {
    const before = await bed.charged();
    for (const { pid } of workers) process.kill(pid, 'SIGSTOP');
    const click = clickOf ?? ((n) => bed.click(n, `replicas-${n}`));
    await bed.produce(Array.from({ length: events }, (_, n) => click(n)));
    for (const { pid } of workers) process.kill(pid, 'SIGCONT');
    await bed.reach(before + events * 0.1, DEADLINE_MS);
    const [from, begin, used, calls] = [await bed.charged(), performance.now(), await cpu(), new Calls(bed)];
    await bed.reach(before + events, DEADLINE_MS);
    const took = performance.now() - begin;
    const count = before + events - from;
    const { node, postgres, bytes, syncs, deadlocks } = since(used, await cpu());
    const micros = (seconds) => (seconds * 1e6) / count;
    return {
      ...{ rate: (count * 1_000) / took, node: micros(node), postgres: micros(postgres) },
      ...{ wal: bytes / count, flushes: (syncs * 1_000) / count, waiting: await calls.waiting(), deadlocks },
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.end('SIGTERM')));
  }
}

/** Looks from time to time what the Workers' calls do. */
class Calls {
  #seen = 0;
  #waiting = 0;
  #ended = false;
  #looking;

  /** @param {import('./bed.mjs').Bed} bed */
  constructor(bed) {
    this.#looking = this.#look(bed);
  }

  /** The share of those under way that waited for a row which another one held. */
  async waiting() {
    this.#ended = true;
    await this.#looking;
    return this.#waiting / this.#seen;
  }

  async #look(bed) {
    for (; !this.#ended; await pause(LOOK_EVERY_MS)) {
      const { rows } = await bed.database.query(
        `select count(*)::int as seen, (count(*) filter (where wait_event in ('transactionid', 'tuple')))::int as waiting
         from pg_stat_activity where application_name like 'worker-ledger-%' and state = 'active'`,
      );
      this.#seen += rows[0].seen;
      this.#waiting += rows[0].waiting;
    }
  }
}

function named(replicas) {
  return replicas === 1 ? '1 replica' : `${replicas} replicas`;
}

function sayBacklog(what, { rate, node, postgres, wal, flushes, waiting, deadlocks }) {
  say(
    `${what}: ${perSecond(rate)}   a click: Node ${node.toFixed(0)} µs, Postgres ${postgres.toFixed(0)} µs, ` +
      `${wal.toFixed(0)} bytes of WAL   ${flushes.toFixed(1)} flushes for 1,000   ` +
      `${(waiting * 100).toFixed(0)} % of the calls wait for a row   ${deadlocks} deadlocks`,
  );
}

async function walOf(bed) {
  const { rows } = await bed.database.query(
    `select (pg_current_wal_lsn() - '0/0')::float8 as bytes, wal_sync::int as syncs, wal_sync_time::float8 as "syncMs",
            (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks
     from pg_stat_wal`,
  );
  return rows[0];
}

/** @template {Record<string, number>} T @param {T} before @param {T} after @returns {T} */
function since(before, after) {
  return /** @type {T} */ (Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]])));
}
