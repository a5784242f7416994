import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { projectFolder } from './places.mjs';
import { until } from './polling.mjs';
import { freePort } from './ports.mjs';
import { STACK_MARKER } from './processes.mjs';

const READY_MS = 30_000;
/** Those of `npm start`. */
const NODE_ARGUMENTS = ['--enable-source-maps', '--max-semi-space-size=32'];

/** The built Worker as an orchestrator runs it, against a stack, with its log in a file. */
export class WorkerProcess {
  #child;
  #stack;
  #logFile;
  url;

  /**
   * Starts it; resolves when it is ready, unless that is not asked for.
   *
   * @param {import('./stack.mjs').Stack} stack
   * @param {string} logFile within the project's folder, or absolute; added to
   * @param {{ nodeArguments?: string[], env?: Record<string, string>, untilReady?: boolean }} [options]
   */
  static async start(stack, logFile, { nodeArguments = [], env = {}, untilReady = true } = {}) {
    const worker = new WorkerProcess();
    worker.#stack = stack;
    worker.#logFile = resolve(projectFolder, logFile);
    await worker.#start(await freePort(), nodeArguments, env);
    if (untilReady) await worker.#ready();
    return worker;
  }

  get pid() {
    return this.#child.pid;
  }

  /** Set once it has ended. */
  get failure() {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return undefined;
    return new Error(`the Worker ended (${signalCode ?? `status ${exitCode}`}): ${this.#lastWords()}`);
  }

  /** @param {NodeJS.Signals} signal @returns its exit code; null when the signal ended it */
  async end(signal) {
    if (this.failure) throw this.failure;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code] = await exited;
    return code;
  }

  /** The sum of a metric's values over its children with these labels. @param {string} name @param {string[]} labels */
  async metric(name, ...labels) {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => {
      return /^\w+/.exec(line)?.[0] === name && labels.every((label) => line.includes(label));
    });
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async #start(port, nodeArguments, env) {
    const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL } = this.#stack.env;
    const log = openSync(this.#logFile, 'a');
    this.url = `http://127.0.0.1:${port}`;
    this.#child = spawn(process.execPath, [...NODE_ARGUMENTS, ...nodeArguments, 'dist/src/main.js'], {
      cwd: projectFolder,
      detached: true, // Ctrl-C reaches the whole group of a terminal: the demo takes it down with the rest
      stdio: ['ignore', log, log],
      // Nothing else of this environment: no alert of the demo may reach anybody's real channels.
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PORT: `${port}`,
        KAFKA_BROKERS,
        DATABASE_URL,
        REDIS_URL,
        ...env,
        [STACK_MARKER]: this.#stack.dataFolder,
      },
    });
    closeSync(log);
    this.#stack.watch(this.#child.pid);
    this.#child.once('exit', () => this.#stack.forget(this.#child.pid));
  }

  async #ready() {
    await until(() => this.#isReady(), {
      deadlineMs: READY_MS,
      waitingFor: 'the start of the Worker',
      unless: () => this.failure,
    });
  }

  async #isReady() {
    const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    if (answer.ok) return true;
    throw new Error(await answer.text());
  }

  #lastWords() {
    const lines = readFileSync(this.#logFile, 'utf8').trim().split('\n');
    return lines.slice(-3).join(' | ');
  }
}
