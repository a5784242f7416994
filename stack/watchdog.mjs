import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { STACK_MARKER } from './processes.mjs';
import { takeDown } from './take-down.mjs';

/**
 * Ends a stack whatever happens to the process that started it. `end()` is the ordinary way down as well, so that there
 * is only one.
 */
export class Watchdog {
  #child;
  #exited;
  #remains;
  #over = false;

  /** @param {string} dataFolder removed at the end */
  constructor(dataFolder) {
    this.#remains = { dataFolder, watched: new Map(), lastCommands: [] };
    const environment = { ...process.env };
    delete environment[STACK_MARKER]; // an outer stack's end must not take this one's watchdog away before its work
    this.#child = spawn(
      process.execPath,
      [fileURLToPath(new URL('watchdog-process.mjs', import.meta.url)), dataFolder],
      {
        detached: true, // out of the group that Ctrl-C reaches
        stdio: ['pipe', 'ignore', 'ignore'],
        cwd: '/',
        env: environment,
      },
    );
    this.#exited = new Promise((resolve) => this.#child.once('exit', resolve).once('error', resolve));
    this.#child.stdin.on('error', () => {}); // it was killed: end() does the work then
    this.#child.unref();
    this.#child.stdin.unref();
  }

  /** Whether `end` was called: nothing more may be started then. */
  get isOver() {
    return this.#over;
  }

  /**
   * The process must not outlive this one.
   *
   * @param {number} pid
   * @param {NodeJS.Signals} [quitSignal] how it is ended, with a few seconds before SIGKILL; else SIGKILL at once
   */
  watch(pid, quitSignal) {
    this.#remains.watched.set(pid, { quitSignal });
    this.#tell({ watch: pid, quitSignal });
  }

  /** The process has ended: its pid may soon be another's. @param {number} pid */
  forget(pid) {
    this.#remains.watched.delete(pid);
    this.#tell({ forget: pid });
  }

  /** A command to run at the very end. @param {string[]} argv */
  finally(argv) {
    this.#remains.lastCommands.push(argv);
    this.#tell({ finally: argv });
  }

  /** Kills all that is watched, removes the data folder, and returns when that is done. */
  async end() {
    this.#over = true;
    this.#child.ref();
    this.#child.stdin.end();
    await this.#exited;
    if (this.#child.exitCode !== 0) await takeDown(this.#remains); // somebody killed it
  }

  #tell(message) {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }
}
