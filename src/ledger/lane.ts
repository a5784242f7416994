import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OwnConnection } from '../platform/database/own-connection.js';
import type { BackgroundPace } from './background-pace.js';
import type { GroupPoster } from './group-poster.js';
import { PostingQueue, type PendingPosting } from './posting-queue.js';

/**
 * From so many postings a call on, a lane counts as busy. Well above what gathers in `GATHER_MS` at a rate where latency matters: else a
 * lane that has once waited has the next group large enough to wait again.
 */
const BUSY_GROUP = 150;
/** What a busy lane waits for, and for how long at the most. */
const FAIR_GROUP = 200;
const GATHER_MS = 20;

/**
 * One connection with its own queue. While a call is away, postings gather; what has gathered is the next group. An idle
 * lane sends a single posting at once.
 */
export class Lane {
  readonly queue = new PostingQueue();
  private running: Promise<void> | undefined;
  private lastGroup = 0;
  private lastLive = 0;

  constructor(
    private readonly connection: OwnConnection,
    private readonly poster: GroupPoster,
    private readonly pace: BackgroundPace,
    /** Takes postings whose advertiser's row somebody else has locked, so that they do not hold up the lane. */
    private readonly setAside: (held: PendingPosting[]) => void,
  ) {}

  /** @param now milliseconds of `performance.now()` */
  add(pending: PendingPosting, now: number): void {
    if (!isBackground(pending)) this.pace.sawLive(now);
    this.queue.add(pending);
    this.running ??= this.run();
  }

  /** Resolves when nothing is waiting or under way any more. */
  async drained(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  /** Ends the connection; what still waits is rejected as transient. */
  async close(): Promise<void> {
    await this.connection.close();
    await this.drained();
  }

  private async run(): Promise<void> {
    // Handlers that run together post together, in one turn of the event loop: let them all arrive.
    await nextTurn();
    while (this.queue.size > 0) {
      let group: PendingPosting[] = [];
      if (this.isBusy()) await this.queue.gathered(FAIR_GROUP, GATHER_MS);
      if (this.queue.live === 0) await this.queue.liveWaits(this.pace.restMs(performance.now()));
      try {
        await this.connection.use(async (client) => {
          const from = performance.now();
          const most = this.pace.most(from);
          group = this.queue.takeGroup(most); // only now: more may have come while the connection was made
          if (group.length === 0) return; // the rest has not ended
          const background = group.filter(isBackground).length;
          this.lastGroup = group.length;
          this.lastLive = group.length - background;
          this.setAside(await this.poster.post(client, group, 'wait'));
          if (most > 0 && background > 0) this.pace.took(from, performance.now());
        });
      } catch (error) {
        // Nobody waits here for a database that is away: the records' retries do, and they are seen and counted.
        this.poster.giveUp(group.length > 0 ? group : this.queue.takeAll(), error);
      }
    }
    this.running = undefined;
  }

  /**
   * Under load a call costs more than its postings: let a fair group gather. A lane that is not busy sends at once, and so
   * does one that is busy with background postings alone while live ones come now and then.
   */
  private isBusy(): boolean {
    const counted = this.pace.isQuiet(performance.now()) ? this.lastGroup : this.lastLive;
    return counted >= BUSY_GROUP;
  }
}

function isBackground({ posting }: PendingPosting): boolean {
  return posting.priority === 'background';
}
