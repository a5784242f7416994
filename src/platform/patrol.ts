import { setTimeout as pause } from 'node:timers/promises';

/** A round that is made again and again, one at a time: after a pause, or at once when somebody wakes it. */
export class Patrol {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private resting: AbortController | undefined;
  private isWoken = false;
  private isFailing = false;

  /**
   * @param round is waited for when the patrol stops
   * @param failed is told the error of a round, of several in a row the first; none when it stops, since no other follows
   */
  constructor(
    private readonly everyMs: number,
    private readonly round: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  start(): void {
    if (!this.isStopping) this.running ??= this.run();
  }

  /** Makes the next round at once; one that is under way is followed by another. */
  wake(): void {
    this.isWoken = true;
    this.resting?.abort();
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.resting?.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      this.isWoken = false;
      await this.makeRound();
      await this.rest();
    }
  }

  private async makeRound(): Promise<void> {
    try {
      await this.round();
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing && !this.isStopping) this.failed(error);
      this.isFailing = true;
    }
  }

  private async rest(): Promise<void> {
    if (this.isWoken || this.isStopping) return;
    this.resting = new AbortController();
    // No timer of ours keeps the process alive.
    await pause(this.everyMs, undefined, { signal: this.resting.signal, ref: false }).catch(() => undefined);
    this.resting = undefined;
  }
}
