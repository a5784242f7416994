import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OwnConnection } from '../platform/database/own-connection.js';
import type { GroupPoster } from './group-poster.js';
import { GROUP_SIZE, type PendingPosting } from './posting-queue.js';

/**
 * Postings whose advertiser's row somebody else holds. They wait here, on a connection of their own, until the row is
 * free; meanwhile every other advertiser goes on. New postings of such an advertiser come here directly.
 */
export class HeldPostings {
  /** By advertiser; the one that has waited longest since its last turn comes first. */
  private readonly byAdvertiser = new Map<bigint, PendingPosting[]>();
  private running: Promise<void> | undefined;

  constructor(
    private readonly connection: OwnConnection,
    private readonly poster: GroupPoster,
  ) {}

  get size(): number {
    let size = 0;
    for (const waiting of this.byAdvertiser.values()) size += waiting.length;
    return size;
  }

  holds(advertiserId: bigint): boolean {
    return this.byAdvertiser.has(advertiserId);
  }

  add(pending: PendingPosting): void {
    pending.caller?.waits();
    this.putBack([pending]);
    this.running ??= this.run();
  }

  addAll(held: readonly PendingPosting[]): void {
    for (const pending of held) this.add(pending);
  }

  async drained(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  /** Ends the connection; what is still held is rejected as transient. */
  async close(): Promise<void> {
    await this.connection.close();
    await this.drained();
  }

  private async run(): Promise<void> {
    await nextTurn();
    while (this.byAdvertiser.size > 0) {
      await this.postWhoeverIsFree();
      // Skipping alone could go on for ever where others lock the row again and again; waiting takes a turn in the
      // row's own queue, and is the pause between two rounds.
      const [longest] = this.byAdvertiser.keys();
      if (longest !== undefined) await this.waitFor(longest);
    }
    this.running = undefined;
  }

  private async postWhoeverIsFree(): Promise<void> {
    await this.post(this.takeFrom([...this.byAdvertiser.keys()]), 'skip');
  }

  private async waitFor(advertiserId: bigint): Promise<void> {
    await this.post(this.takeFrom([advertiserId]), 'waitLonger');
    const stillHeld = this.byAdvertiser.get(advertiserId);
    if (stillHeld === undefined) return;
    this.byAdvertiser.delete(advertiserId); // to the back of the line
    this.byAdvertiser.set(advertiserId, stillHeld);
  }

  private async post(group: PendingPosting[], whenLocked: 'skip' | 'waitLonger'): Promise<void> {
    try {
      await this.connection.use(async (client) => {
        this.putBack(await this.poster.post(client, group, whenLocked));
      });
    } catch (error) {
      this.poster.giveUp([...group, ...[...this.byAdvertiser.values()].flat()], error);
      this.byAdvertiser.clear();
    }
    this.forgetSettled();
  }

  /** A fair share of a group for each advertiser; a key comes once in it. */
  private takeFrom(advertiserIds: readonly bigint[]): PendingPosting[] {
    const share = Math.max(1, Math.floor(GROUP_SIZE / advertiserIds.length));
    const group: PendingPosting[] = [];
    const keys = new Set<string>();
    for (const advertiserId of advertiserIds.slice(0, GROUP_SIZE)) {
      const rest: PendingPosting[] = [];
      let taken = 0;
      for (const pending of this.byAdvertiser.get(advertiserId) ?? []) {
        if (taken === share || keys.has(pending.posting.idempotencyKey)) {
          rest.push(pending);
        } else {
          keys.add(pending.posting.idempotencyKey);
          group.push(pending);
          taken++;
        }
      }
      // An empty entry stays while its postings are away: newcomers must still be sent here.
      this.byAdvertiser.set(advertiserId, rest);
    }
    return group;
  }

  private putBack(held: readonly PendingPosting[]): void {
    for (const pending of held) {
      const { advertiserId } = pending.posting;
      const waiting = this.byAdvertiser.get(advertiserId);
      if (waiting === undefined) this.byAdvertiser.set(advertiserId, [pending]);
      else waiting.push(pending);
    }
  }

  private forgetSettled(): void {
    for (const [advertiserId, waiting] of this.byAdvertiser) {
      if (waiting.length === 0) this.byAdvertiser.delete(advertiserId);
    }
  }
}
