/** Lets so many in at a time; the others wait at the door, first come, first served. */
export class WaitingRoom {
  private inside = 0;
  private readonly door: (() => void)[] = [];

  constructor(private readonly places: number) {}

  /** Resolves once inside, with the function that leaves again; call it exactly once. */
  async enter(): Promise<() => void> {
    if (this.inside >= this.places) await new Promise<void>((open) => this.door.push(open));
    else this.inside++;
    return this.leave;
  }

  /** A place that comes free goes straight to the next one at the door: `inside` does not change then. */
  private readonly leave = (): void => {
    const next = this.door.shift();
    if (next === undefined) this.inside--;
    else next();
  };
}
