import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { until } from './polling.mjs';
import { haltTree, processesMarked, signalAll, STACK_MARKER } from './processes.mjs';

const END_MS = 10_000;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** What somebody wants to run beside a stack. */
export class Command {
  #child;
  #mark;
  #log;
  #exited;

  /** @param {string[]} argv @param {import('./stack.mjs').Stack} stack @param {(line: string) => void} log */
  constructor(argv, stack, log) {
    const [file, ...args] = argv;
    this.#mark = `${stack.dataFolder}/command`;
    this.#log = log;
    this.#child = spawn(file, args, {
      stdio: 'inherit',
      shell: args.length === 0 && isShellText(file),
      env: { ...process.env, ...stack.env, [STACK_MARKER]: this.#mark },
    });
    if (this.#child.pid !== undefined) stack.watch(this.#child.pid);
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
      this.#child.once('error', (error) => resolve(this.#unknown(file, error)));
    });
  }

  /** Resolves to its status when it has ended, and what it left running too. */
  async status() {
    const status = await this.#exited;
    signalAll(processesMarked(this.#mark), 'SIGTERM');
    const allEnded = () => processesMarked(this.#mark).length === 0;
    await until(allEnded, { deadlineMs: END_MS, waitingFor: 'the end of what the command left running' }).catch(
      (error) => this.#log(`${error.message}: killed`),
    );
    return status;
  }

  /** Passes the signal on, and kills the command when it has not ended after ten seconds. @param {NodeJS.Signals} signal */
  end(signal) {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // Ctrl-C went to the whole group of the terminal: the command has it.
    if (!(signal === 'SIGINT' && process.stdin.isTTY)) signalAll([pid], signal);
    setTimeout(() => {
      this.#log(`the command did not end within ${END_MS / 1000} s of ${signal}: killed`);
      haltTree(pid, 'SIGKILL');
    }, END_MS).unref();
  }

  /** @param {string} file @param {NodeJS.ErrnoException} error */
  #unknown(file, error) {
    this.#log(error.code === 'ENOENT' ? `${file}: no such command` : error.message);
    return error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
  }
}

/** A single word that no program can be called: it was written for a shell. @param {string} word */
function isShellText(word) {
  return /[^\w@%+=:,./-]/.test(word) && !existsSync(word);
}
