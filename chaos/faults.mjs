// How each kind of fault is done, and taken back.
import pg from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import { advertisers, campaigns, prices } from './cast.mjs';
import { REPLICAS } from './schedule.mjs';
import { readTopic } from './topics.mjs';
import { CLICK_TOPIC } from './traffic.mjs';

/**
 * Does it, and resolves with how it is taken back where it lasts.
 *
 * @typedef {(rig: import('./rig.mjs').Rig, fault: import('./schedule.mjs').Fault) => Promise<Undo | void> | Undo | void} Make
 * @typedef {() => unknown} Undo
 */

/** @type {Readonly<Record<string, Make>>} */
export const FAULTS = {
  'replica-killed': (rig, { on: [name] }) => replaced(rig, name, 'SIGKILL'),
  'replica-terminated': (rig, { on: [name] }) => replaced(rig, name, 'SIGTERM'),
  'replica-paused': (rig, { on: [name] }) => {
    rig.signal(name, 'SIGSTOP');
    return () => rig.signal(name, 'SIGCONT');
  },
  'replica-joins': async (rig, { on: [name] }) => {
    await rig.start(name);
    return () => rig.end(name, 'SIGTERM');
  },

  'redis-hangs': ({ stack }) => hangs(stack.redis),
  'redis-emptied': async (rig) => {
    await rig.stack.redis.kill();
    await rig.stack.redis.start();
    return () => fillRedis(rig);
  },
  'redis-slow': ({ network }, { dice }) => slow(network.redis, 10 + 300 * dice),
  'redis-cut-off': ({ network }) => cutOff(network.redis),
  'redis-full-of-nonsense': async (rig) => {
    await fillWithNonsense(rig);
    return () => fillRedis(rig);
  },
  'redis-answers-garbage': ({ network }) => {
    network.redis.garble();
    return () => network.redis.mend();
  },

  'postgres-hangs': ({ stack }) => hangs(stack.postgres),
  'postgres-restarted': ({ stack }) => stack.postgres.restart(),
  'postgres-crashed': ({ stack }) => stack.postgres.restart('SIGQUIT'), // at once, and recovered at the start
  'postgres-slow': ({ network }, { dice }) => slow(network.postgres, 2 + 40 * dice),
  'postgres-cut-off': ({ network }) => cutOff(network.postgres),
  'postgres-silent': ({ network }) => silent(network.postgres),
  'postgres-read-only': async (rig) => {
    await readOnly(rig, 'on');
    return () => readOnly(rig, 'off');
  },
  'connections-terminated': (rig) => withClient(rig, terminate),
  'connections-used-up': (rig) => loginChanged(rig, { from: 'connection limit -1', to: 'connection limit 0' }),
  'login-refused': (rig) => loginChanged(rig, { from: 'login', to: 'nologin' }),
  'grant-missing': async (rig) => {
    const login = loginOf(rig);
    await withClient(rig, (client) => client.query(`revoke worker from ${login}`));
    return () => withClient(rig, (client) => client.query(`grant worker to ${login}`));
  },
  'advertiser-locked': (rig, { dice }) => {
    const { id } = advertisers[Math.floor(dice * advertisers.length)];
    return locked(rig, 'select from advertisers where id = $1 for update', [id]);
  },
  'campaigns-locked': (rig) => locked(rig, 'select from campaigns where daily_budget is not null for update', []),

  'kafka-hangs': ({ stack }) => hangs(stack.kafka),
  'kafka-slow': ({ network }, { dice }) => slow(network.kafka, 2 + 60 * dice),
  'kafka-cut-off': ({ network }) => cutOff(network.kafka),
  'kafka-silent': ({ network }) => silent(network.kafka),
  'kafka-restarted': ({ stack }) => stack.kafka.restart(),
  'kafka-crashed': async ({ stack }) => {
    await stack.kafka.kill();
    await stack.kafka.start();
  },
  'partition-added': async ({ admin }) => {
    const before = await patiently(() => admin.fetchTopicOffsets(CLICK_TOPIC));
    const topicPartitions = [{ topic: CLICK_TOPIC, count: before.length + 1 }];
    await patiently(async () => {
      const now = await admin.fetchTopicOffsets(CLICK_TOPIC);
      if (now.length === before.length) await admin.createPartitions({ topicPartitions });
    });
  },
  'topic-truncated': truncated,

  'slack-down': (rig) => {
    rig.slackStatus = 503;
    return () => (rig.slackStatus = 200);
  },
  midnight: ({ clock }) => clock.strike(),
};

/** @param {import('./rig.mjs').Rig} rig @param {string} name @param {'SIGKILL' | 'SIGTERM'} signal */
async function replaced(rig, name, signal) {
  await rig.end(name, signal);
  await rig.start(name);
}

/** @param {import('../stack/stack.mjs').Server} server */
function hangs(server) {
  server.freeze();
  return () => server.thaw();
}

/** @param {import('../stack/tcp-proxy.mjs').TcpProxy} network @param {number} ms */
function slow(network, ms) {
  network.delay(ms);
  return () => network.mend();
}

/** @param {import('../stack/tcp-proxy.mjs').TcpProxy} network */
function cutOff(network) {
  network.cut();
  return () => network.mend();
}

/** @param {import('../stack/tcp-proxy.mjs').TcpProxy} network */
function silent(network) {
  network.silence();
  return () => network.mend();
}

/** @param {import('./rig.mjs').Rig} rig */
async function fillRedis({ redis }) {
  await redis.flushall();
  await redis.mset(prices());
}

/** Prices and counters that are none, of every type; those that only look like some would be believed. */
async function fillWithNonsense({ redis }) {
  const nonsense = ['', '-1', '0', '1e3', 'NaN', '0.0000001', '\u0000', '1,50', 'x'.repeat(100_000)];
  const pipeline = redis.pipeline().flushall();
  for (const [i, { id }] of campaigns.entries()) {
    for (const key of [`cpc:${id}`, `daily_budget:${id}`]) {
      if (i % 5 === 0) pipeline.lpush(key, 'a list');
      else pipeline.set(key, nonsense[i % nonsense.length]);
    }
  }
  await pipeline.exec();
}

/** As after a switch to a standby that is none yet. @param {import('./rig.mjs').Rig} rig @param {'on' | 'off'} value */
async function readOnly(rig, value) {
  await withClient(rig, async (client) => {
    await client.query(`alter system set default_transaction_read_only = ${value}`);
    await client.query('select pg_reload_conf()');
  });
}

/** @param {pg.Client} client */
function terminate(client) {
  return client.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'worker%'`);
}

/** The Workers' login is changed, and their connections are ended. @param {{ from: string, to: string }} change */
async function loginChanged(rig, { from, to }) {
  const login = loginOf(rig);
  await withClient(rig, async (client) => {
    await client.query(`alter role ${login} ${to}`);
    await terminate(client);
  });
  return () => withClient(rig, (client) => client.query(`alter role ${login} ${from}`));
}

/** @param {import('./rig.mjs').Rig} rig */
const loginOf = ({ stack }) => new URL(stack.env.DATABASE_URL).username;

/** A transaction that somebody forgot. @param {import('./rig.mjs').Rig} rig @param {string} sql @param {unknown[]} values */
async function locked(rig, sql, values) {
  const client = await connected(rig);
  await client.query('begin');
  await client.query(sql, values);
  return () => client.end();
}

/**
 * While all replicas stand still, the oldest records of a partition are removed, those with it that nobody has read.
 *
 * @type {Make}
 */
async function truncated(rig, { on, dice, forMs }) {
  const replicas = on.slice(-REPLICAS);
  for (const name of replicas) rig.signal(name, 'SIGSTOP');
  const goOn = () => replicas.forEach((name) => rig.signal(name, 'SIGCONT'));
  try {
    await pause(forMs / 2);
    const all = await patiently(() => rig.admin.fetchTopicOffsets(CLICK_TOPIC));
    const { partition } = all[Math.floor(dice * all.length)];
    const records = await patiently(() => readTopic(rig, CLICK_TOPIC, partition));
    const { offset } = records.at(-1) ?? {};
    if (offset === undefined) return goOn;
    rig.removed.push(...records.slice(0, -1));
    await patiently(() => rig.admin.deleteTopicRecords({ topic: CLICK_TOPIC, partitions: [{ partition, offset }] }));
  } catch (error) {
    goOn();
    throw error;
  }
  return goOn;
}

/** @param {import('./rig.mjs').Rig} rig */
async function connected({ stack }) {
  const client = new pg.Client({
    connectionString: stack.env.MIGRATION_DATABASE_URL,
    connectionTimeoutMillis: 20_000,
    // Where the server is made read-only, it can still be made writable again.
    options: '-c default_transaction_read_only=off',
  });
  client.on('error', () => {}); // Postgres went away: what it held is given back
  await client.connect();
  return client;
}

/** @param {import('./rig.mjs').Rig} rig @param {(client: pg.Client) => Promise<unknown>} work */
async function withClient(rig, work) {
  const client = await connected(rig);
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const TRIES = 20;

/**
 * What another fault may be in the way of.
 *
 * @template T @param {() => Promise<T>} ask @returns {Promise<T>}
 */
export async function patiently(ask) {
  for (let left = TRIES; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0) throw error;
      await pause(500);
    }
  }
}
