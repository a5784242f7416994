import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { eventually } from './eventually.js';
import { leash } from './leash.js';
import { listProcesses } from './processes.js';

/** On a busy machine, with nothing in the cache. */
export const START_MS = 60_000;
const END_MS = 15_000;

export const node = process.execPath;
export const say = (expression: string): string => `console.log(JSON.stringify(${expression}));`;
/** A script that says its environment, and ends when its input does. */
export const HOLD = `${say('process.env')} process.stdin.resume();`;

/** A process under test, with a temporary folder of its own in which to look for what it leaves. */
class Runner {
  stdout = '';
  stderr = '';
  /** The exit status, or the signal that ended it. */
  readonly status: Promise<number | string | null>;

  constructor(
    readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.status = once(child, 'close').then(([status, signal]: (number | string | null)[]) => status ?? signal ?? null);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('it was not started');
    return this.child.pid;
  }

  /** The line of JSON that the command has written. */
  async said<T>(): Promise<T> {
    await eventually('the command has begun', START_MS, () => {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}: ${this.stderr}`);
      return /^\{.*\}$/m.test(this.stdout);
    });
    return JSON.parse(/^\{.*\}$/m.exec(this.stdout)?.[0] ?? '') as T;
  }

  /** No process and no file; what its servers were called names their data folder, so strays show too. */
  async leavesNothing(processes: number[] = []): Promise<void> {
    const left = (): string[] => [
      ...listProcesses()
        .filter((one) => processes.includes(one.pid) || one.args.includes(this.folder))
        .map((one) => one.args),
      ...readdirSync(this.folder).filter((name) => name.startsWith('click-worker-')),
    ];
    await eventually('all is gone', END_MS, () => left().length === 0).catch(() => {
      throw new Error(`not gone within ${END_MS} ms:\n${left().join('\n')}`);
    });
  }
}

/** Processes and folders that end with the test; the processes also where the test run is killed. */
export function useRunners(): { runner: typeof runner; ownFolder: () => string } {
  const started: ChildProcess[] = [];
  const folders: string[] = [];

  function ownFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'stack-test-'));
    chmodSync(folder, 0o777);
    folders.push(folder);
    return folder;
  }

  function runner([file = '', ...args]: string[], { env, ...options }: SpawnOptions = {}): Runner {
    const folder = ownFolder();
    const child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, TMPDIR: folder, ...env }, ...options });
    leash(child, 'SIGHUP'); // a stack takes itself down at that
    started.push(child);
    return new Runner(child, folder);
  }

  // What a failed test has left behind: the stack's own watchdog cleans up after its end.
  afterEach(async () => {
    for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
    for (const folder of folders.splice(0)) {
      await eventually('the stack is down', END_MS, () => !listProcesses().some((one) => one.args.includes(folder)));
      rmSync(folder, { recursive: true, force: true });
    }
  });

  return { runner, ownFolder };
}
