/** Lets so many in at a time; the others wait at the door, first come, first served. Who was let in must `leave` exactly once. */
export class WaitingRoom {
  private inside = 0;
  private readonly door: (() => void)[] = [];

  constructor(private readonly places: number) {}

  /** Whether there was a place. */
  tryEnter(): boolean {
    if (this.inside >= this.places) return false;
    this.inside++;
    return true;
  }

  /** Resolves once inside. */
  enter(): Promise<void> {
    if (this.tryEnter()) return Promise.resolve();
    return new Promise((open) => this.door.push(open));
  }

  /** A place that comes free goes straight to the next one at the door: `inside` does not change then. */
  leave(): void {
    const next = this.door.shift();
    if (next === undefined) this.inside--;
    else next();
  }
}
