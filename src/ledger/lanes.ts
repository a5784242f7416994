import { BackgroundPace } from './background-pace.js';
import type { Lane } from './lane.js';
import type { PendingPosting } from './posting-queue.js';

/** So many postings wait at once, and one lane is not enough. */
const SPREAD_FROM = 200;
/** Without such a crowd for so long, one lane is enough again. */
const SPREAD_FOR_MS = 1_000;

/**
 * The lanes and which of them a posting takes. Each call to Postgres costs as much as a dozen clicks, so one lane serves all
 * while it keeps up: what comes meanwhile gathers into fewer, larger groups. Only a crowd is spread over all lanes, an advertiser
 * always on the same one. (At a change an advertiser's postings may be on two lanes for a moment: then one call waits for the
 * other's row locks.)
 */
export class Lanes {
  private readonly pace = new BackgroundPace();
  private readonly first: Lane;
  private readonly all: readonly Lane[];
  private spreadUntil = -Infinity;

  /** @param open the lane of that number, counted from 1 */
  constructor(count: number, open: (lane: number, pace: BackgroundPace) => Lane) {
    this.first = open(1, this.pace);
    this.all = [this.first, ...Array.from({ length: count - 1 }, (_, i) => open(i + 2, this.pace))];
  }

  add(pending: PendingPosting): void {
    const now = performance.now();
    if (this.waiting(now) >= SPREAD_FROM) this.spreadUntil = now + SPREAD_FOR_MS;
    this.laneOf(pending.posting.advertiserId, now).add(pending, now);
  }

  async drained(): Promise<void> {
    await Promise.all(this.all.map((lane) => lane.drained()));
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((lane) => lane.close()));
  }

  private laneOf(advertiserId: bigint, now: number): Lane {
    if (now >= this.spreadUntil) return this.first;
    return this.all[spread(advertiserId) % this.all.length] ?? this.first;
  }

  /** Background postings are no crowd that anybody waits for, unless they are alone. */
  private waiting(now: number): number {
    const isQuiet = this.pace.isQuiet(now);
    return this.all.reduce((sum, { queue }) => sum + (isQuiet ? queue.size : queue.live), 0);
  }
}

/** Spreads ids that follow a pattern (all even, say), which a plain remainder would put on the same lane. */
function spread(id: bigint): number {
  const folded = Number(BigInt.asUintN(32, id ^ (id >> 32n)));
  return (Math.imul(folded, 0x9e37_79b1) >>> 16) & 0xffff; // Knuth's multiplicative hashing: the upper bits are the mixed ones
}
