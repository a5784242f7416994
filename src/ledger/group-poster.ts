import type { ClientBase } from 'pg';
import { describeDatabaseError, sqlStateOf } from '../platform/database/database-errors.js';
import { TransientError } from '../platform/failure.js';
import type { LedgerObserver } from './ledger-hooks.js';
import { addAmounts } from './millionths.js';
import { PlanRefresh } from './plan-refresh.js';
import { Charging, postIsolated } from './post-isolated.js';
import type { PendingPosting } from './posting-queue.js';
import type { Posting } from './posting.js';

/** Long enough for the other Workers' groups, short enough for the live clicks that wait behind in the lane. */
const LANE_LOCK_WAIT_MS = 50;
/** For one advertiser that is known to be locked, with nobody waiting behind. */
const HELD_LOCK_WAIT_MS = 250;

const LOCK_WAITS = { wait: LANE_LOCK_WAIT_MS, waitLonger: HELD_LOCK_WAIT_MS, skip: null } as const;

/** Posts a group, answers those who wait for it, and counts. */
export class GroupPoster {
  private readonly plans = new PlanRefresh();
  private readonly charging = new Charging();

  constructor(
    private readonly budgetTimezone: string,
    private readonly observer: LedgerObserver,
  ) {}

  /**
   * Returns those that are not answered, since somebody holds their advertiser's row.
   *
   * @throws the driver's error when the database has not answered; then nobody is answered
   */
  async post(
    client: ClientBase,
    group: readonly PendingPosting[],
    whenLocked: keyof typeof LOCK_WAITS,
  ): Promise<PendingPosting[]> {
    await this.plans.before(client);
    const settlements = await postIsolated(
      client,
      group.map((pending) => pending.posting),
      { budgetTimezone: this.budgetTimezone, lockWaitMs: LOCK_WAITS[whenLocked] },
      this.charging,
    );
    const held: PendingPosting[] = [];
    const created: Posting[] = [];
    for (const [i, pending] of group.entries()) {
      const settlement = settlements[i];
      if (settlement === undefined || settlement.status === 'HELD') {
        held.push(pending);
      } else if (settlement.status === 'FAILED') {
        pending.fail(settlement.error);
      } else {
        pending.settle(settlement.result);
        if (settlement.result.created) created.push(pending.posting);
      }
    }
    this.observe(group.length - held.length, created);
    return held;
  }

  /** The database has not answered: whether these were posted is unknown, and their keys make the retry safe. */
  giveUp(group: readonly PendingPosting[], error: unknown): void {
    const failure =
      error instanceof TransientError ? error : new TransientError(describeDatabaseError(error), { cause: error });
    // One of ours says that the Worker stops.
    if (failure !== error) this.observer.callFailed(sqlStateOf(error) === undefined ? 'no_answer' : 'refused');
    for (const pending of group) pending.fail(failure);
  }

  private observe(answered: number, created: readonly Posting[]): void {
    if (answered > 0) this.observer.group(answered);
    for (const type of ['DEDUCT', 'REFUND'] as const) {
      const amounts = created.filter((posting) => posting.type === type).map((posting) => posting.amount);
      if (amounts.length > 0) this.observer.posted(type, amounts.length, addAmounts(amounts));
    }
  }
}
