import type { ClientBase } from 'pg';
import { OwnConnection } from '../platform/database/own-connection.js';
import { claimGroup, claimSingles } from './claim.sql.js';
import type { Claim } from './claim.js';
import type { Verdict } from './retry-schedule.js';
import { settle, type Ended } from './settle.sql.js';

/** Longer than a message may take and its outcome needs to be written; a process that died is replaced after so long. */
const LEASE_MS = 30_000;

/** One channel's part of `notification_deliveries`, on a connection of its own: no other channel waits for it. */
export class ChannelDeliveries {
  private readonly connection: OwnConnection;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    databaseUrl: string,
    private readonly channel: string,
  ) {
    this.connection = new OwnConnection(databaseUrl, `worker-${channel}`);
  }

  /**
   * Takes messages that are due at `now`, in milliseconds since the epoch, for this process to send.
   *
   * @param inHand keys of those it has already
   * @throws the driver's error
   */
  claim(now: number, limit: number, inHand: readonly string[]): Promise<Claim[]> {
    const options = { channel: this.channel, now, leaseEndsAt: now + LEASE_MS, inHand };
    return this.inTurn(async (client) => {
      // One a look, and first: however many single ones fail again and again, a flood is told of.
      const group = await claimGroup(client, { ...options, limit: 1 });
      const claimed = group === undefined ? [] : [group];
      const left = limit - claimed.length;
      return left === 0 ? claimed : [...claimed, ...(await claimSingles(client, { ...options, limit: left }))];
    });
  }

  /**
   * Writes down how an attempt ended. May be repeated.
   *
   * @throws the driver's error
   */
  settle(claim: Claim, verdict: Verdict, now: number): Promise<Ended> {
    return this.inTurn((client) => settle(client, this.channel, claim, verdict, now));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** Several messages end at once; the connection takes one caller at a time. */
  private inTurn<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    const mine = this.turn.then(() => this.connection.use(work));
    this.turn = mine.catch(() => undefined);
    return mine;
  }
}
