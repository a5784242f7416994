export type HaltVerdict = 'bury' | 'bury and halt' | 'halt';

/**
 * Tells a bad record from a bad deploy: after a run of records that nobody could classify, with nothing handled between,
 * the group stops instead of draining its topic into the dead letters. Then it tries one record at a time.
 */
export class HaltGuard {
  private run = 0;
  private probing = false;

  constructor(private readonly haltAfter: number) {}

  /** Only one record at a time is tried: the group was halted and looks whether it can go on. */
  get isProbing(): boolean {
    return this.probing;
  }

  /** A handler did its work, or knew why it could not. Returns whether this ends a halt. */
  handled(): boolean {
    const resumed = this.probing;
    this.run = 0;
    this.probing = false;
    return resumed;
  }

  /** A record failed for the last time with an error that nobody classified. */
  exhausted(): HaltVerdict {
    if (this.probing || this.run >= this.haltAfter) return 'halt';
    this.run++;
    return this.run === this.haltAfter ? 'bury and halt' : 'bury';
  }

  probe(): void {
    this.probing = true;
  }
}
