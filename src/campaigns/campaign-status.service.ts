import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { Clock } from '../platform/clock.js';
import { TransientError } from '../platform/failure.js';
import { Gatherer } from '../platform/gatherer.js';
import { isRehearsing } from '../platform/rehearsal.js';
import { activeTraceparent } from '../platform/tracing/carried-trace.js';
import { pauseForBudget, type BudgetPause, type PauseOutcome } from './pause-for-budget.sql.js';
import { findResumable, resume, type BudgetDayOf, type ResumableCampaign } from './resume.sql.js';
import { TransitionAnnouncer } from './transition-announcer.js';

/** Campaigns of one statement, which is short, so that no click waits for their rows. */
const ROUND = 500;
/** A row that is held is tried once more after so long, before its click has to wait for it. */
const LOCKED_PAUSE_MS = 30;

/** Changes whether campaigns run: in the database first, with a transition; then it is announced. */
@Injectable()
export class CampaignStatusService {
  private readonly pauses = new Gatherer<BudgetPause, PauseOutcome>((group) => this.pauseAll(group), groupSize);

  constructor(
    private readonly database: DataSource,
    private readonly announcer: TransitionAnnouncer,
    private readonly clock: Clock,
  ) {}

  /**
   * Pauses the campaign for `BUDGET_EXHAUSTED`, if it is active and its budget has not been raised meanwhile. Committed when it
   * resolves; true where it was this call that paused it. In a rehearsal nothing is.
   *
   * @throws TransientError while somebody else holds the campaign's row, and the driver's error while the database is away
   */
  async pauseForBudget(request: BudgetPause): Promise<boolean> {
    if (isRehearsing()) return false;
    const traced = { ...request, traceparent: activeTraceparent() };
    let outcome = await this.pauses.add(traced);
    if (outcome === 'locked') {
      // Mostly it is another replica that is pausing it right now.
      await pause(LOCKED_PAUSE_MS);
      outcome = await this.pauses.add(traced);
    }
    if (outcome === 'locked') {
      throw new TransientError(`campaignId ${request.campaignId}: its row is held by somebody else`);
    }
    return outcome === 'paused';
  }

  /** The next campaigns, by id, that were paused for their budget and may run again today as far as the database knows. */
  resumable(today: BudgetDayOf, after: bigint): Promise<ResumableCampaign[]> {
    return findResumable(this.database, today, { after, limit: ROUND });
  }

  /** Resumes those of them that still may; returns how many that were. */
  async resume(today: BudgetDayOf, campaignIds: readonly bigint[]): Promise<number> {
    if (campaignIds.length === 0 || isRehearsing()) return 0;
    const count = await resume(this.database, today, campaignIds, new Date(this.clock.now()));
    if (count > 0) this.announcer.wake();
    return count;
  }

  /** Each campaign once: the first that asked is told that it was paused. */
  private async pauseAll(group: readonly BudgetPause[]): Promise<(request: BudgetPause) => PauseOutcome> {
    const firsts = new Map<bigint, BudgetPause>();
    for (const request of group) if (!firsts.has(request.campaignId)) firsts.set(request.campaignId, request);
    const outcomes = await pauseForBudget(this.database, [...firsts.values()], new Date(this.clock.now()));
    if ([...outcomes.values()].includes('paused')) this.announcer.wake();
    return (request) => {
      const outcome = outcomes.get(request.campaignId) ?? 'not needed';
      return outcome === 'paused' && firsts.get(request.campaignId) !== request ? 'not needed' : outcome;
    };
  }
}

/** A campaign counts once: when it reaches its budget, all of its clicks ask at the same time. */
function groupSize(waiting: readonly BudgetPause[]): number {
  const campaigns = new Set<bigint>();
  const tooMany = waiting.findIndex(({ campaignId }) => campaigns.add(campaignId).size > ROUND);
  return tooMany < 0 ? waiting.length : tooMany;
}
