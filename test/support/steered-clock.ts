import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRELOAD = fileURLToPath(new URL('./steered-clock.mjs', import.meta.url));

/**
 * The time that Workers go by which were started with it: real time and an offset. They see a change at once, and
 * a Worker that is started later begins with it.
 */
export class SteeredClock {
  private readonly folder = mkdtempSync(join(tmpdir(), 'steered-clock-'));
  private offsetMs = 0;

  constructor() {
    this.write();
  }

  /** Milliseconds since the epoch, as the Workers see it. */
  now(): number {
    return Date.now() + this.offsetMs;
  }

  /** It is this time now, and goes on from there. */
  set(ms: number): void {
    this.offsetMs = Math.round(ms - Date.now());
    this.write();
  }

  advance(ms: number): void {
    this.offsetMs += ms;
    this.write();
  }

  /** For `WorkerProcess.start`. */
  get nodeOptions(): { args: string[]; env: Record<string, string> } {
    return { args: ['--import', PRELOAD], env: { STEERED_CLOCK_FILE: this.file } };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get file(): string {
    return join(this.folder, 'offset-ms');
  }

  /** A Worker must never read half a number. */
  private write(): void {
    writeFileSync(`${this.file}.new`, String(this.offsetMs));
    renameSync(`${this.file}.new`, this.file);
  }
}
