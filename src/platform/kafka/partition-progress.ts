import assert from 'node:assert/strict';

/** A record's place in its partition's progress. */
export interface ProgressSlot {
  readonly offset: number;
  /** Milliseconds since the epoch, the record's own. */
  readonly timestamp: number;
  settled: boolean;
}

/**
 * Which offset of a partition may be committed: the lowest record that is not settled decides. Knows only records that
 * were really received, so gaps (transactions, compaction) cost nothing. Lives as long as one assignment; results that
 * come later go to an instance that nobody asks any more.
 */
export class PartitionProgress {
  private readonly open: ProgressSlot[] = [];
  private first = 0;
  private next: number;

  constructor(startOffset: number) {
    this.next = startOffset;
  }

  /** The offset that is expected next; everything below was received (or never existed). */
  get nextOffset(): number {
    return this.next;
  }

  /** The offset to commit: every record below it is settled. */
  get committable(): number {
    return this.open[this.first]?.offset ?? this.next;
  }

  /** How many received records are not settled yet, counting settled ones that wait behind them. */
  get uncommitted(): number {
    return this.open.length - this.first;
  }

  /** The time of the lowest record that is not settled. */
  get oldestTimestamp(): number | undefined {
    return this.open[this.first]?.timestamp;
  }

  received(offset: number, timestamp = 0): ProgressSlot {
    if (offset < this.next) assert.fail(`offset ${offset} came after ${this.next - 1}: offsets moved backwards`);
    this.next = offset + 1;
    const slot = { offset, timestamp, settled: false };
    this.open.push(slot);
    return slot;
  }

  /** Nothing more exists below `offset` than what was received (control records, a filtered batch). */
  reachedEnd(offset: number): void {
    if (offset > this.next) this.next = offset;
  }

  settle(slot: ProgressSlot): void {
    slot.settled = true;
    while (this.open[this.first]?.settled) this.first++;
    // Given back in large pieces: one by one would move the whole array for every record.
    if (this.first >= 1024 || this.first === this.open.length) {
      this.open.splice(0, this.first);
      this.first = 0;
    }
  }
}
