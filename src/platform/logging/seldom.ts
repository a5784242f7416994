/** For a line that is no news a second time: due at most once in so long. */
export class Seldom {
  private lastMs = -Infinity;

  /** @param nowMs any clock that only goes forward */
  constructor(
    private readonly everyMs: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Whether it is due; who asks says it. */
  isDue(): boolean {
    const now = this.nowMs();
    if (now - this.lastMs < this.everyMs) return false;
    this.lastMs = now;
    return true;
  }
}
