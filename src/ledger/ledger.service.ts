import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { OwnConnection } from '../platform/database/own-connection.js';
import { TransientError } from '../platform/failure.js';
import { isRehearsing } from '../platform/rehearsal.js';
import type { BackgroundPace } from './background-pace.js';
import { GroupPoster } from './group-poster.js';
import { HeldPostings } from './held-postings.js';
import { Lane } from './lane.js';
import { Lanes } from './lanes.js';
import { LedgerHooks } from './ledger-hooks.js';
import { DEFAULT_LANES, LEDGER_OPTIONS, type LedgerOptions } from './ledger-options.js';
import type { PendingPosting } from './posting-queue.js';
import type { Posting, PostingCaller, PostingResult } from './posting.js';
import { refusalBefore } from './refusal.js';
import { RehearsalPoster } from './rehearsal-poster.js';
import { WaitingRoom } from './waiting-room.js';

/** Postings in hand, waiting or under way, above which `post` waits before it takes another one. */
const MOST_IN_HAND = 10_000;
/** Of background postings so many, so that those never keep live ones waiting at the door. */
const MOST_IN_BACKGROUND = 2_000;
/** Of either so many may belong to locked advertisers, so that those never use up the room of all others. */
const MOST_HELD = 5_000;
/** The Worker has ten seconds to stop, and the transport has waited for its records before; a call that hangs is cut off. */
const DRAIN_MS = 2_000;

/** The one way to move money: postings in; balances, histories and daily spend out. */
@Injectable()
export class LedgerService implements OnApplicationShutdown {
  private readonly lanes: Lanes;
  private readonly held: HeldPostings;
  private readonly room = new WaitingRoom(MOST_IN_HAND);
  private readonly backgroundRoom = new WaitingRoom(MOST_IN_BACKGROUND);
  private readonly heldRoom = new WaitingRoom(MOST_HELD);
  private readonly rehearsals: RehearsalPoster;
  private closed = false;

  constructor(@Inject(LEDGER_OPTIONS) options: LedgerOptions, hooks: LedgerHooks) {
    const poster = new GroupPoster(options.budgetTimezone, hooks);
    const connect = (name: string) => new OwnConnection(options.databaseUrl, `worker-ledger-${name}`);
    this.rehearsals = new RehearsalPoster(connect('rehearsal'), options.budgetTimezone);
    this.held = new HeldPostings(connect('held'), poster);
    const setAside = (held: PendingPosting[]): void => {
      this.held.addAll(held);
    };
    const open = (lane: number, pace: BackgroundPace) => new Lane(connect(`lane-${lane}`), poster, pace, setAside);
    this.lanes = new Lanes(options.lanes ?? DEFAULT_LANES, open);
  }

  /**
   * Posts once, whatever is repeated: the same key again is answered with what was stored, `created: false`.
   * Waits while too much is in hand, and while somebody else has the advertiser's row locked; of the latter `caller` is told
   * as soon as it is known. In a rehearsal it is rolled back.
   *
   * @throws PoisonError `UNKNOWN_ADVERTISER`, `UNKNOWN_CAMPAIGN` or `CAMPAIGN_ADVERTISER_MISMATCH` (the latter two for
   *   charges only)
   * @throws PoisonError `IDEMPOTENCY_CONFLICT` when the key or the `compensationId` came before for another advertiser, as
   *   another type or, for a refund, with another amount. A click's price may have changed since: it is a repeat
   * @throws PoisonError `INVALID_EVENT` for a value that the ledger cannot keep
   * @throws TransientError when the database is away; the posting may have been made all the same: post it again
   */
  post(posting: Posting, caller?: PostingCaller): Promise<PostingResult> {
    const refused = refusalBefore(posting);
    if (refused !== undefined) return Promise.reject(refused);
    if (this.closed) return Promise.reject(new TransientError('the ledger is closed: the Worker stops'));
    if (isRehearsing()) return this.rehearsals.post(posting);
    const isHeld = this.held.holds(posting.advertiserId);
    // Now, not when there is room: with thousands held it may wait at the door as long as the lock lasts.
    if (isHeld) caller?.waits();
    const room = this.roomFor(posting, isHeld);
    if (room.tryEnter()) return this.enqueue(posting, caller, room);
    return room.enter().then(() => this.enqueue(posting, caller, room));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  /** Takes nothing more, finishes what is in hand within two seconds, and rejects the rest as transient. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.race([this.drained(), pause(DRAIN_MS, undefined, { ref: false })]);
    await Promise.all([this.lanes, this.held, this.rehearsals].map((queue) => queue.close()));
  }

  private roomFor({ priority }: Posting, isHeld: boolean): WaitingRoom {
    if (isHeld) return this.heldRoom;
    return priority === 'background' ? this.backgroundRoom : this.room;
  }

  private async drained(): Promise<void> {
    await this.lanes.drained();
    await this.held.drained(); // what the lanes set aside at last
  }

  private enqueue(posting: Posting, caller: PostingCaller | undefined, room: WaitingRoom): Promise<PostingResult> {
    return new Promise((resolve, reject) => {
      const pending = new Waiting(posting, caller, room, resolve, reject);
      if (this.held.holds(posting.advertiserId)) this.held.add(pending);
      else this.lanes.add(pending);
    });
  }
}

/** A posting in hand, until it is answered. */
class Waiting implements PendingPosting {
  constructor(
    readonly posting: Posting,
    readonly caller: PostingCaller | undefined,
    private readonly room: WaitingRoom,
    private readonly resolve: (result: PostingResult) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  settle(result: PostingResult): void {
    this.room.leave();
    this.resolve(result);
  }

  fail(error: Error): void {
    this.room.leave();
    this.reject(error);
  }
}
