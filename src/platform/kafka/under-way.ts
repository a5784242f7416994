import type { PipelineGroup } from './pipeline-group.js';

/** Records whose handlers were started together. */
export interface Chunk {
  readonly startedAt: number;
  remaining: number;
  /** Took too long, or said that it waits: what is left of it no longer counts as under way. */
  parked: boolean;
}

/**
 * How much of a partition is in hand: records *under way* (their handlers run) and *parked* ones (they take long, said that
 * they wait, or wait for their next attempt). Whoever waits for a change of that waits here.
 */
export class UnderWay {
  private records = 0;
  private parked = 0;
  /** Those under way, oldest first. */
  private readonly chunks = new Set<Chunk>();
  private readonly waiters = new Set<() => void>();
  private nextWake: NodeJS.Immediate | undefined;

  constructor(
    private readonly group: PipelineGroup,
    /** Something ended or was parked: there may be room for what is queued. */
    private readonly ended: () => void,
  ) {}

  /** Under way and parked together. */
  get total(): number {
    return this.records + this.parked;
  }

  /** Whether one more chunk may be started. */
  hasRoom(): boolean {
    if (this.records > this.roomFrom) this.parkSlowChunks();
    return this.records <= this.roomFrom && this.parked < this.group.limits.parkedRecords;
  }

  open(records: number): Chunk {
    const chunk = { startedAt: Date.now(), remaining: records, parked: false };
    this.chunks.add(chunk);
    this.records += records;
    return chunk;
  }

  /** One record of the chunk has come to an end, or waits for its next attempt. */
  leave(chunk: Chunk): void {
    chunk.remaining--;
    if (chunk.parked) this.parked--;
    else this.records--;
    if (chunk.remaining === 0) this.chunks.delete(chunk);
    if (chunk.remaining === 0 || this.records === this.roomFrom) this.wake();
  }

  /** One record of the chunk, which is not parked, said that it waits. Returns the chunk it belongs to from now on: one of its own, parked. */
  setApart(chunk: Chunk): Chunk {
    chunk.remaining--;
    this.records--;
    this.parked++;
    if (chunk.remaining === 0) this.chunks.delete(chunk);
    if (chunk.remaining === 0 || this.records === this.roomFrom) this.wakeSoon();
    return { startedAt: chunk.startedAt, remaining: 1, parked: true };
  }

  /** Records that have left their chunk and wait for their next attempt. */
  park(records: number): void {
    this.parked += records;
  }

  /** It begins. */
  unpark(records: number): void {
    this.parked -= records;
  }

  /** There may be room for what is queued, and who waits may go on. */
  wake(): void {
    this.ended();
    for (const waiter of this.waiters) waiter();
  }

  /** Nobody asks any more: who waits may go on. */
  close(): void {
    clearImmediate(this.nextWake);
    this.wake();
  }

  /** Resolves at the next change of what is under way, or after `ms`. */
  change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiters.add(done);
    });
  }

  /** With so many under way there is room for one more chunk. */
  private get roomFrom(): number {
    return Math.max(0, this.group.underWayRecords - this.group.limits.chunkRecords);
  }

  /** A handler is speaking, perhaps while its own chunk is being started: the next one must not be started inside it. */
  private wakeSoon(): void {
    this.nextWake ??= setImmediate(() => {
      this.nextWake = undefined;
      this.wake();
    });
  }

  private parkSlowChunks(): void {
    const before = Date.now() - this.group.limits.parkAfterMs;
    for (const chunk of this.chunks) {
      if (chunk.startedAt > before) break;
      chunk.parked = true;
      this.chunks.delete(chunk);
      this.records -= chunk.remaining;
      this.parked += chunk.remaining;
    }
  }
}
