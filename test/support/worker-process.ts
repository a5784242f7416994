import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.js';
import type { SteeredClock } from './steered-clock.js';

export interface WorkerOptions {
  /** What the Worker takes for the time; by default the real one. */
  readonly clock?: SteeredClock;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The built Worker, as an orchestrator would run it. */
export class WorkerProcess {
  readonly lines: LogLine[] = [];
  /** What it wrote that was no log line: the one line of a start that failed, say. */
  readonly words: string[] = [];

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => {
          this.heard(line);
        });
    }
  }

  /** Starts it, without waiting until it is ready. */
  static async start(env: Record<string, string>, { clock }: WorkerOptions = {}): Promise<WorkerProcess> {
    const port = await freePort();
    const steered = clock?.nodeOptions ?? { args: [], env: {} };
    const child = spawn(process.execPath, ['--enable-source-maps', ...steered.args, 'dist/src/main.js'], {
      env: { PATH: process.env['PATH'], PORT: String(port), LOG_LEVEL: 'debug', ...env, ...steered.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    alive.add(child);
    child.once('exit', () => alive.delete(child));
    return new WorkerProcess(child, `http://127.0.0.1:${port}`);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the Worker was not started');
    return this.child.pid;
  }

  get exited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.child.exitCode;
  }

  async get(path: string): Promise<{ status: number; body: string }> {
    try {
      const response = await fetch(this.url + path, { signal: AbortSignal.timeout(5_000) });
      return { status: response.status, body: await response.text() };
    } catch {
      return { status: 0, body: '' };
    }
  }

  async ready(withinMs = 40_000): Promise<this> {
    await eventually('the Worker is ready', withinMs, async () => {
      if (this.exited) throw new Error(`the Worker exited: ${this.words.join('\n')}`);
      return (await this.get('/health/ready')).status === 200;
    });
    return this;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it as an orchestrator does, or with -9; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.exited) return this.child.exitCode;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
    return this.child.exitCode;
  }

  private heard(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as LogLine);
    } catch {
      this.words.push(line);
    }
  }
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
