// The same three servers in Docker's containers, for machines that cannot run them as processes.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KafkaClient } from './kafka-client.mjs';
import { projectFolder } from './places.mjs';
import { until } from './polling.mjs';
import { freePort } from './ports.mjs';
import { askPostgres, createAppUser } from './postgres-client.mjs';
import { run, withProgress } from './progress.mjs';
import { askRedis } from './redis.mjs';
import { startOnFreePort } from './start-on-free-port.mjs';

const START_MS = 120_000;

/** @typedef {{ argv: string[], ports: Record<string, string>, environment: NodeJS.ProcessEnv }} Project */

/** @param {import('./context.mjs').StackContext} stack @param {boolean} postgresAlone */
export async function startContainers(stack, postgresAlone) {
  const project = layProject(stack);
  stack.watchdog.finally(['docker', ...project.argv, 'down', '--volumes', '--timeout', '0']);
  const start = (service, ready) => {
    return startOnFreePort(async () => new Container(service, await freePort(), ready, project));
  };
  const startPostgres = async () => {
    const postgres = await start('postgres', (port) => askPostgres(port, 'worker', 'select 1'));
    await createAppUser(postgres.port);
    return postgres;
  };
  const startKafka = async () => {
    const kafka = await start('kafka', (port) => new KafkaClient(port).isReady());
    await new KafkaClient(kafka.port).createTopics(stack.topics);
    return kafka;
  };
  const startRedis = () => start('redis', async (port) => (await askRedis(port, 'PING')).startsWith('+PONG'));
  const starts = postgresAlone ? [startPostgres()] : [startPostgres(), startKafka(), startRedis()];
  const [postgres, kafka, redis] = await withProgress('starting containers', stack.log, () => Promise.all(starts));
  return { kafka, postgres, redis };
}

/** A server with the ways of `Server`, in a container. */
class Container {
  #service;
  #port;
  #ready;
  #project;

  constructor(service, port, ready, project) {
    this.#service = service;
    this.#port = port;
    this.#ready = ready;
    this.#project = project;
    project.ports[`${service.toUpperCase()}_PORT`] = `${port}`;
  }

  get port() {
    return this.#port;
  }

  /** As this machine sees it, where Docker runs on it. Undefined while it is stopped. */
  get pid() {
    const id = this.#composeNow('ps', '--quiet', this.#service).trim();
    return id ? Number(this.#dockerNow('inspect', '--format', '{{.State.Pid}}', id)) || undefined : undefined;
  }

  async start() {
    await this.#compose('up', '--detach', '--no-deps', this.#service);
    const waitingFor = `the start of ${this.#service}`;
    await until(() => this.#ready(this.#port), { deadlineMs: START_MS, everyMs: 100, waitingFor });
  }

  async stop(signal) {
    this.thaw();
    if (signal) await this.#compose('kill', '--signal', signal, this.#service);
    await this.#compose('stop', this.#service);
  }

  async kill() {
    await this.#compose('kill', this.#service);
  }

  async restart(signal) {
    await this.stop(signal);
    await this.start();
  }

  freeze() {
    this.#composeNow('pause', this.#service);
  }

  thaw() {
    this.#composeNow('unpause', this.#service); // fails, without harm, where it is not paused
  }

  #compose(...args) {
    return run('docker', [...this.#project.argv, ...args], { env: this.#environment() });
  }

  #composeNow(...args) {
    return this.#dockerNow(...this.#project.argv, ...args);
  }

  #dockerNow(...args) {
    return spawnSync('docker', args, { env: this.#environment(), encoding: 'utf8' }).stdout ?? '';
  }

  #environment() {
    return { ...this.#project.environment, ...this.#project.ports };
  }
}

/** A project name and, over compose.yaml, the settings of this one stack (JSON is YAML). */
function layProject({ dataFolder, environment, kafkaSettings, postgresLine, postgresSettings }) {
  const override = join(dataFolder, 'compose.override.json');
  const kafkaVariables = Object.entries(kafkaSettings).map(([name, value]) => {
    return [`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`, value];
  });
  const postgresFlags = Object.entries(postgresSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const services = {
    kafka: { environment: Object.fromEntries(kafkaVariables) },
    postgres: { image: `postgres:${postgresLine}`, command: ['postgres', ...postgresFlags] },
  };
  writeFileSync(override, JSON.stringify({ services }));
  const name = `click-worker-${randomBytes(6).toString('hex')}`;
  const files = ['--file', join(projectFolder, 'compose.yaml'), '--file', override];
  return { argv: ['compose', '--project-name', name, ...files], ports: {}, environment };
}
