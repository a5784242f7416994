export type HaltVerdict = 'bury' | 'bury and halt' | 'halt';

/**
 * Tells a bad record from a bad deploy: after a run of records that nobody could classify, with nothing handled between,
 * the group stops instead of draining its topic into the dead letters. Then it tries one record at a time.
 */
export class HaltGuard {
  private run = 0;
  private state: 'running' | 'halted' | 'probing' = 'running';

  constructor(private readonly haltAfter: number) {}

  /** Only one record at a time is tried: the group was halted and looks whether it can go on. */
  get isProbing(): boolean {
    return this.state === 'probing';
  }

  /** Nothing more may be tried until the next probe. */
  get isHalted(): boolean {
    return this.state === 'halted';
  }

  /** A handler did its work, or knew why it could not. Returns whether this ends a halt: only what a probe tried does. */
  handled(): boolean {
    if (this.state === 'halted') return false;
    const resumed = this.state === 'probing';
    this.state = 'running';
    this.run = 0;
    return resumed;
  }

  /** A record failed for the last time with an error that nobody classified. */
  exhausted(): HaltVerdict {
    if (this.state !== 'running') {
      this.state = 'halted';
      return 'halt';
    }
    this.run++;
    if (this.run < this.haltAfter) return 'bury';
    this.state = 'halted';
    return 'bury and halt';
  }

  probe(): void {
    this.state = 'probing';
  }
}
