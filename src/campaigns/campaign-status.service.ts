import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { Clock } from '../platform/clock.js';
import { Coalescer } from '../platform/coalescer.js';
import { TransientError } from '../platform/failure.js';
import { isRehearsing } from '../platform/rehearsal.js';
import { pauseForBudget, type BudgetPause, type PauseOutcome } from './pause-for-budget.sql.js';
import { findResumable, resume, type BudgetDayOf, type ResumableCampaign } from './resume.sql.js';
import { TransitionAnnouncer } from './transition-announcer.js';

/** Campaigns of one round of resuming: short, so that no click waits for their rows. */
const ROUND = 500;
/** A row that is held is tried once more after so long, before its click has to wait for it. */
const LOCKED_PAUSE_MS = 30;

/** Changes whether campaigns run: in the database first, with a transition; then it is announced. */
@Injectable()
export class CampaignStatusService {
  private readonly asked = new Map<bigint, BudgetPause>();
  private readonly pausing = new Coalescer<bigint, PauseOutcome>((ids) => this.pauseAll(ids), 'not needed');

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
    const { campaignId } = request;
    const isFirst = !this.asked.has(campaignId);
    if (isFirst) this.asked.set(campaignId, request);
    const outcome = await this.pausing.get(campaignId);
    if (outcome === 'locked') throw new TransientError(`campaignId ${campaignId}: its row is held by somebody else`);
    return isFirst && outcome === 'paused';
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

  private async pauseAll(ids: readonly bigint[]): Promise<Map<bigint, PauseOutcome>> {
    const pauses = ids.flatMap((id) => this.asked.get(id) ?? []);
    for (const id of ids) this.asked.delete(id);
    const outcomes = await this.pauseNow(pauses);
    const locked = pauses.filter(({ campaignId }) => outcomes.get(campaignId) === 'locked');
    if (locked.length === 0) return outcomes;
    // Mostly it is another replica that is pausing them right now.
    await pause(LOCKED_PAUSE_MS);
    return new Map([...outcomes, ...(await this.pauseNow(locked))]);
  }

  private async pauseNow(pauses: readonly BudgetPause[]): Promise<Map<bigint, PauseOutcome>> {
    const outcomes = await pauseForBudget(this.database, pauses, new Date(this.clock.now()));
    if ([...outcomes.values()].includes('paused')) this.announcer.wake();
    return outcomes;
  }
}
