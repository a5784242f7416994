import type { Posting, PostingCaller, PostingPriority, PostingResult } from './posting.js';

/** A posting and who waits for it. */
export interface PendingPosting {
  readonly posting: Posting;
  readonly caller: PostingCaller | undefined;
  settle(result: PostingResult): void;
  fail(error: Error): void;
}

/** A group of 500 is where Postgres earns most of what grouping gives; above 1,000 there is only latency to gain. */
export const GROUP_SIZE = 500;
export const GROUP_SIZE_UNDER_BACKLOG = 1_000;
const BACKGROUND_SHARE = 0.1;

/** What waits for a lane: live postings first, but at least a tenth of each group to background ones. */
export class PostingQueue {
  private readonly waiting: Record<PostingPriority, PendingPosting[]> = { live: [], background: [] };

  private awaited: { readonly isThere: () => boolean; readonly resolve: () => void } | undefined;

  get size(): number {
    return this.waiting.live.length + this.waiting.background.length;
  }

  get live(): number {
    return this.waiting.live.length;
  }

  add(pending: PendingPosting): void {
    this.waiting[pending.posting.priority ?? 'live'].push(pending);
    if (this.awaited?.isThere() === true) this.awaited.resolve();
  }

  /** Resolves when `count` postings wait, or after `ms`. */
  gathered(count: number, ms: number): Promise<void> {
    return this.until(() => this.size >= count, ms);
  }

  /** Resolves when a live posting waits, or after `ms`. */
  liveWaits(ms: number): Promise<void> {
    return this.until(() => this.live > 0, ms);
  }

  /**
   * Takes the next group: live postings, and of the background ones a tenth of it or `mostBackground`, whichever is more. A
   * key comes once in it: a posting whose key is already there waits for the next group.
   */
  takeGroup(mostBackground: number): PendingPosting[] {
    const { live, background } = this.waiting;
    const limit = live.length > 2 * GROUP_SIZE ? GROUP_SIZE_UNDER_BACKLOG : GROUP_SIZE;
    const reserved = Math.min(background.length, Math.ceil(limit * BACKGROUND_SHARE));
    const group: PendingPosting[] = [];
    const keys = new Set<string>();
    this.waiting.live = moveInto(group, keys, live, limit - reserved);
    const tenth = Math.ceil((group.length * BACKGROUND_SHARE) / (1 - BACKGROUND_SHARE));
    const room = Math.min(limit - group.length, Math.max(tenth, mostBackground));
    this.waiting.background = moveInto(group, keys, background, group.length + room);
    return group;
  }

  /** Takes everything, to give it up. */
  takeAll(): PendingPosting[] {
    const all = [...this.waiting.live, ...this.waiting.background];
    this.waiting.live = [];
    this.waiting.background = [];
    return all;
  }

  private async until(isThere: () => boolean, ms: number): Promise<void> {
    if (ms <= 0 || isThere()) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.awaited = { isThere, resolve };
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.awaited = undefined;
  }
}

/** Moves from `queue` until the group has `limit` postings; returns what stays. */
function moveInto(
  group: PendingPosting[],
  keys: Set<string>,
  queue: PendingPosting[],
  limit: number,
): PendingPosting[] {
  const repeats: PendingPosting[] = [];
  let next = 0;
  for (; next < queue.length && group.length < limit; next++) {
    const pending = queue[next];
    if (pending === undefined) break;
    if (keys.has(pending.posting.idempotencyKey)) {
      repeats.push(pending);
    } else {
      keys.add(pending.posting.idempotencyKey);
      group.push(pending);
    }
  }
  return repeats.length === 0 ? queue.slice(next) : [...repeats, ...queue.slice(next)];
}
