// All that faults are done to: a stack, the network before it, and the replicas of the Worker.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { freePort } from '../stack/ports.mjs';
import { processesMarked } from '../stack/processes.mjs';
import { startStack } from '../stack/stack.mjs';
import { TcpProxy } from '../stack/tcp-proxy.mjs';
import { WorkerProcess } from '../stack/worker-process.mjs';
import { prices, settle } from './cast.mjs';
import { Clock } from './clock.mjs';
import { REPLICAS } from './schedule.mjs';

const PATIENCE_MS = 3_000;
/** Kafka tells clients where it is: those that come through the network are told the network's end. */
const PROTOCOLS = ['PLAINTEXT', 'CONTROLLER', 'NETWORK'].map((name) => `${name}:PLAINTEXT`).join(',');

export class Rig {
  /** What a Worker did that no fault explains. @type {string[]} */
  complaints = [];
  /** Records that a fault removed, as they stood there. @type {import('./topics.mjs').Standing[]} */
  removed = [];
  /** By name. @type {Map<string, WorkerProcess>} */
  replicas = new Map();
  /** @type {import('../stack/stack.mjs').Stack} */
  stack;
  /** @type {{ kafka: TcpProxy, postgres: TcpProxy, redis: TcpProxy }} what stands between the Workers and these */
  network;
  /** As the owner, past the network. @type {pg.Pool} */
  database;
  /** @type {Redis} */
  redis;
  /** @type {kafkajs.Kafka} */
  kafka;
  /** @type {kafkajs.Producer} */
  producer;
  /** @type {kafkajs.Admin} */
  admin;
  /** Stands in for it, and takes everything. @type {import('node:http').Server} */
  slack;
  slackStatus = 200;
  /** @type {Clock} */
  clock;
  /** A file for each replica that was started. @type {string} */
  logs;
  #folder;
  #started = 0;

  /** @param {{ midnightInMs: number | undefined }} options */
  static async open({ midnightInMs }) {
    const rig = new Rig();
    rig.#folder = mkdtempSync(join(tmpdir(), 'click-worker-chaos-'));
    rig.logs = join(rig.#folder, 'logs');
    mkdirSync(rig.logs);
    rig.clock = new Clock(rig.#folder, midnightInMs);
    const listener = await freePort();
    const kafka = await TcpProxy.open({ port: listener });
    rig.stack = await startStack({
      log: () => {},
      kafkaListener: `NETWORK://127.0.0.1:${listener}`,
      kafkaAdvertised: `NETWORK://127.0.0.1:${kafka.port}`,
      kafkaSettings: { 'listener.security.protocol.map': PROTOCOLS },
    });
    const { env, postgres, redis } = rig.stack;
    rig.network = { kafka, postgres: await TcpProxy.open(postgres), redis: await TcpProxy.open(redis) };
    rig.database = new pg.Pool({
      connectionString: env.MIGRATION_DATABASE_URL,
      max: 4,
      connectionTimeoutMillis: PATIENCE_MS,
    });
    rig.database.on('error', () => {}); // Postgres went away; the next query says so
    rig.redis = new Redis(env.REDIS_URL, { maxRetriesPerRequest: null });
    rig.redis.on('error', () => {});
    rig.kafka = new kafkajs.Kafka({
      brokers: [env.KAFKA_BROKERS],
      requestTimeout: PATIENCE_MS,
      connectionTimeout: PATIENCE_MS,
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 3 },
      logLevel: kafkajs.logLevel.NOTHING,
    });
    rig.producer = rig.kafka.producer({ allowAutoTopicCreation: false, metadataMaxAge: 3_000 });
    rig.admin = rig.kafka.admin();
    rig.slack = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(rig.slackStatus).end('ok'));
    });
    await Promise.all([
      rig.producer.connect(),
      rig.admin.connect(),
      settle(rig.database),
      rig.redis.mset(prices()),
      new Promise((resolve) => rig.slack.listen(0, '127.0.0.1', () => resolve(undefined))),
    ]);
    return rig;
  }

  /** Starts the replicas; resolves when all are ready. */
  async startReplicas() {
    const names = Array.from({ length: REPLICAS }, (_, i) => `replica ${i + 1}`);
    await Promise.all(names.map((name) => this.start(name, { untilReady: true })));
  }

  /** @param {string} name @param {{ untilReady?: boolean }} [options] */
  async start(name, { untilReady = false } = {}) {
    const { kafka, postgres, redis } = this.network;
    const log = join(this.logs, `${String(++this.#started).padStart(2, '0')} ${name}.log`);
    const throughProxy = (url, { port }) => Object.assign(new URL(url), { port: `${port}` }).href;
    const worker = await WorkerProcess.start(this.stack, log, {
      nodeArguments: ['--trace-warnings', ...this.clock.nodeArguments],
      env: {
        ...this.clock.env,
        KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
        DATABASE_URL: throughProxy(this.stack.env.DATABASE_URL, postgres),
        REDIS_URL: throughProxy(this.stack.env.REDIS_URL, redis),
        SLACK_WEBHOOK_URL: `http://127.0.0.1:${this.slack.address().port}/services/chaos`,
      },
      untilReady,
    });
    this.replicas.set(name, worker);
  }

  /** @param {string} name @param {'SIGTERM' | 'SIGKILL'} signal */
  async end(name, signal) {
    const worker = /** @type {WorkerProcess} */ (this.replicas.get(name));
    this.replicas.delete(name);
    if (worker.failure) {
      this.complaints.push(`${name} ended by itself: ${worker.failure.message}`);
      return;
    }
    const code = await worker.end(signal);
    if (signal === 'SIGTERM' && code !== 0) this.complaints.push(`${name} ended with ${code} at SIGTERM`);
  }

  /** @param {string} name @param {NodeJS.Signals} signal */
  signal(name, signal) {
    const worker = this.replicas.get(name);
    if (worker && !worker.failure) process.kill(worker.pid, signal);
  }

  async endReplicas() {
    await Promise.all([...this.replicas.keys()].map((name) => this.end(name, 'SIGTERM')));
  }

  /**
   * What the Workers have said; what is no line of a log has the level `words`.
   *
   * @returns {{ file: string, level: string, line: string }[]}
   */
  said() {
    return readdirSync(this.logs).flatMap((file) => {
      const lines = readFileSync(join(this.logs, file), 'utf8').split('\n');
      return lines.filter((line) => line !== '').map((line) => ({ file, ...parsed(line) }));
    });
  }

  /**
   * Takes all down. @param {{ keepLogs: boolean }} options
   * @returns the processes that are left: there should be none
   */
  async close({ keepLogs }) {
    const { dataFolder } = this.stack;
    this.redis.disconnect();
    this.slack.closeAllConnections();
    this.slack.close();
    const clients = [this.producer.disconnect(), this.admin.disconnect(), this.database.end()];
    // One that a fault has left waiting for an answer ends with its server.
    await Promise.race([Promise.allSettled(clients), pause(PATIENCE_MS)]);
    await Promise.all(Object.values(this.network).map((proxy) => proxy.close()));
    await this.stack.stop();
    if (!keepLogs) rmSync(this.#folder, { recursive: true, force: true });
    return processesMarked(dataFolder);
  }
}

/** @param {string} line */
function parsed(line) {
  try {
    return { level: 'words', ...JSON.parse(line), line };
  } catch {
    return { level: 'words', msg: line, line };
  }
}
