import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startContainers } from './containers.mjs';
import { openContext } from './context.mjs';
import { startKafka } from './kafka.mjs';
import { chooseMachine } from './machine.mjs';
import { projectFolder } from './places.mjs';
import { startPostgres } from './postgres.mjs';
import { databaseUrls, grantWorkerRole } from './postgres-client.mjs';
import { startRedis } from './redis.mjs';

// What each member does is said in stack.d.mts, for the tests' and the benchmarks' TypeScript.

/** @param {import('./stack.mjs').StackOptions} [options] */
export async function startStack(options) {
  const stack = new Stack(options);
  await stack.start();
  return stack;
}

export class Stack {
  env;
  kafka;
  postgres;
  redis;
  #migrates;
  #isPostgresAlone;
  #context;

  /** @param {import('./stack.mjs').StackOptions} [options] */
  constructor({ migrate = true, postgresAlone = false, ...options } = {}) {
    this.#migrates = migrate;
    this.#isPostgresAlone = postgresAlone;
    this.#context = openContext(options);
  }

  get dataFolder() {
    return this.#context.dataFolder;
  }

  async start() {
    try {
      const inContainers = (await chooseMachine(this.#context)) === 'containers';
      Object.assign(this, await (inContainers ? this.#startContainers() : this.#startProcesses()));
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.env = {
      ...(this.kafka && { KAFKA_BROKERS: `127.0.0.1:${this.kafka.port}` }),
      ...databaseUrls(this.postgres.port),
      ...(this.redis && { REDIS_URL: `redis://127.0.0.1:${this.redis.port}` }),
    };
  }

  stop = () => this.#context.watchdog.end();

  watch = (pid) => this.#context.watchdog.watch(pid);

  forget = (pid) => this.#context.watchdog.forget(pid);

  migrate = () => this.#migrate(this.postgres.port);

  async #startProcesses() {
    const startMigrated = async () => this.#migrated(await startPostgres(this.#context));
    if (this.#isPostgresAlone) return { postgres: await startMigrated() };
    const [kafka, redis, postgres] = await allOrFirstError([
      startKafka(this.#context),
      startRedis(this.#context),
      startMigrated(),
    ]);
    return { kafka, redis, postgres };
  }

  async #startContainers() {
    const servers = await startContainers(this.#context, this.#isPostgresAlone);
    await this.#migrated(servers.postgres);
    return servers;
  }

  async #migrated(postgres) {
    if (this.#migrates) await this.#migrate(postgres.port);
    return postgres;
  }

  /** @param {number} port */
  async #migrate(port) {
    const script = join(projectFolder, 'dist', 'src', 'cli', 'migrate.js');
    if (!existsSync(script)) throw new Error(`there is nothing to migrate with, ${script} is missing: npm run build`);
    await this.#context.run(process.execPath, [script], { cwd: projectFolder, env: databaseUrls(port) });
    await grantWorkerRole(port);
  }
}

/**
 * Like Promise.all, but a failure is thrown only when the others have come to rest too: none starts a server after the
 * stack was taken down.
 *
 * @template {readonly Promise<unknown>[]} T
 * @param {[...T]} promises
 * @returns {Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>}
 */
async function allOrFirstError(promises) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
