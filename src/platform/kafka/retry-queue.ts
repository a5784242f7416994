interface Due<T> {
  readonly task: T;
  readonly at: number;
}

/**
 * Tasks that wait for their next attempt, with one timer for the earliest of them. By the clock that nobody sets: were the
 * time of day put back an hour, they would wait for an hour.
 */
export class RetryQueue<T> {
  private waiting: Due<T>[] = [];
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;

  constructor(private readonly retry: (tasks: T[]) => void) {}

  get size(): number {
    return this.waiting.length;
  }

  add(task: T, pauseMs: number): void {
    const at = performance.now() + pauseMs;
    this.waiting.push({ task, at });
    if (at < this.timerAt) this.arm(at);
  }

  clear(): void {
    this.waiting = [];
    clearTimeout(this.timer);
    this.timerAt = Infinity;
  }

  private arm(at: number): void {
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(
      () => {
        this.fire();
      },
      Math.max(0, at - performance.now()),
    );
  }

  private fire(): void {
    const now = performance.now();
    const due = this.waiting.filter(({ at }) => at <= now);
    this.waiting = this.waiting.filter(({ at }) => at > now);
    this.timerAt = Infinity;
    if (this.waiting.length > 0) this.arm(this.waiting.reduce((least, { at }) => Math.min(least, at), Infinity));
    if (due.length > 0) this.retry(due.map(({ task }) => task));
  }
}
