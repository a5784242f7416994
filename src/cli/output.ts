import { once } from 'node:events';

/** A terminal shows a screen's width; what goes to a file or another program is not cut. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Infinity;
}

/** Writes a line, and waits while whoever reads is slow: a million of them must not pile up here. */
export async function writeLine(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

/** `… | head` closes the pipe: nobody wants the rest. */
export function endWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

const SAY_EVERY_MS = 2_000;

/** How far a command is, on standard error: one line that changes on a terminal, else one every two seconds. */
export class Progress {
  private saidAt = performance.now();
  private isOpen = false;

  say(text: string): void {
    const isTerminal = process.stderr.isTTY;
    if (!isTerminal && performance.now() - this.saidAt < SAY_EVERY_MS) return;
    this.saidAt = performance.now();
    process.stderr.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
    this.isOpen = isTerminal;
  }

  end(): void {
    if (this.isOpen) process.stderr.write('\n');
    this.isOpen = false;
  }
}
