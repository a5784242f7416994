import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { until } from './polling.mjs';
import { haltTree, isAlive, processTree, signalAll } from './processes.mjs';

const START_MS = 60_000;
const STOP_MS = 30_000;

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {number} port
 * @property {string} file
 * @property {string[]} args
 * @property {string} folder where it works, below the stack's data folder
 * @property {string} logFile
 * @property {{ uid: number, gid: number }} [user]
 * @property {NodeJS.Signals} stopSignal an orderly stop
 * @property {NodeJS.Signals} [quitSignal] a quick stop that leaves nothing behind, where SIGKILL would
 * @property {(pid: number) => Promise<unknown>} ready resolves to something true when this very process answers
 */

/** A server that can be stopped, killed, frozen and started again on the same port and data. */
export class Server {
  #program;
  #watchdog;
  #environment;
  #log;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {number[]} */
  #frozen = [];
  #expectedToRun = false;
  #logStart = 0;

  /**
   * @param {Program} program
   * @param {Pick<import('./context.mjs').StackContext, 'watchdog' | 'environment' | 'log'>} stack
   */
  constructor(program, { watchdog, environment, log }) {
    this.#program = program;
    this.#watchdog = watchdog;
    this.#environment = environment;
    this.#log = log;
  }

  get port() {
    return this.#program.port;
  }

  /** Undefined while it is stopped. */
  get pid() {
    return this.#child?.pid;
  }

  /** Resolves when the server answers. @throws Error with the end of its log when it does not */
  async start() {
    const { name, file, args, folder, logFile, user, quitSignal, ready } = this.#program;
    if (this.#child) throw new Error(`${name} is already running`);
    if (this.#watchdog.isOver) throw new Error(`${name} cannot start: the stack has been taken down`);
    const output = openSync(logFile, 'a');
    this.#logStart = fstatSync(output).size;
    const child = spawn(file, args, {
      cwd: folder,
      detached: true, // Ctrl-C reaches the whole group of a terminal: the command is to go first
      stdio: ['ignore', output, output],
      env: this.#environment,
      ...user,
    });
    closeSync(output);
    const failed = new Promise((_, reject) => child.once('error', reject));
    failed.catch(() => {});
    if (child.pid === undefined) await failed;
    this.#child = child;
    this.#watchdog.watch(child.pid, quitSignal);
    child.unref();
    child.once('exit', (code, signal) => this.#onExit(child, code, signal));
    await until(() => ready(child.pid), {
      deadlineMs: START_MS,
      waitingFor: `the start of ${name}`,
      unless: () => (this.#child === child ? undefined : new Error(`${name} did not start: ${this.#lastWords()}`)),
    });
    this.#expectedToRun = true;
  }

  /** An orderly stop; resolves when it is down. @param {NodeJS.Signals} [signal] */
  async stop(signal = this.#program.stopSignal) {
    if (!this.#child) return;
    this.thaw(); // a frozen process obeys nothing but SIGKILL
    this.#expectedToRun = false;
    const tree = processTree(this.#child.pid);
    signalAll([this.#child.pid], signal);
    await this.#gone(tree);
  }

  /** SIGKILL to it and its children; resolves when they are gone. */
  async kill() {
    if (!this.#child) return;
    this.#expectedToRun = false;
    this.#frozen = [];
    await this.#gone(haltTree(this.#child.pid, 'SIGKILL'));
  }

  /** @param {NodeJS.Signals} [signal] */
  async restart(signal) {
    await this.stop(signal);
    await this.start();
  }

  /** Halts it with its children: connections stay open, nothing answers. */
  freeze() {
    if (!this.#child) throw new Error(`${this.#program.name} is not running`);
    this.#frozen = haltTree(this.#child.pid, 'SIGSTOP');
  }

  /** Lets it go on after `freeze`. */
  thaw() {
    signalAll(this.#frozen.reverse(), 'SIGCONT');
    this.#frozen = [];
  }

  /** @param {number[]} tree its children too: Postgres does not start while one of them holds its memory */
  async #gone(tree) {
    await until(() => !this.#child && !tree.some(isAlive), {
      deadlineMs: STOP_MS,
      waitingFor: `the end of ${this.#program.name}`,
    });
  }

  #onExit(child, code, signal) {
    this.#watchdog.forget(child.pid);
    this.#child = undefined;
    if (this.#expectedToRun && !this.#watchdog.isOver)
      this.#log(`${this.#program.name} ended by itself (${signal ?? `status ${code}`})`);
  }

  /** What it has said since its last start, without the lines of stack traces: for its log has those of earlier lives. */
  #lastWords() {
    const said = readFileSync(this.#program.logFile).subarray(this.#logStart).toString();
    const lines = said.split('\n').filter((line) => line.trim() !== '' && !/^\s+(at |\.\.\.)/.test(line));
    return lines.slice(-5).join(' | ') || 'it said nothing';
  }
}
