import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { leash } from './leash.js';

export interface CliResult {
  /** 130 also where the signal itself ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of `npm run cli`, as somebody runs it beside the Worker. */
export class Cli {
  stdout = '';
  stderr = '';
  readonly result: Promise<CliResult>;
  private readonly child: ChildProcess;

  constructor(env: Readonly<Record<string, string>>, words: readonly string[]) {
    this.child = spawn(process.execPath, ['--enable-source-maps', 'dist/src/cli/main.js', ...words], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    leash(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.result = once(this.child, 'close').then(([code]: (number | null)[]) => {
      return { code: code ?? null, stdout: this.stdout, stderr: this.stderr };
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

export function runCli(env: Readonly<Record<string, string>>, ...words: string[]): Promise<CliResult> {
  return new Cli(env, words).result;
}
