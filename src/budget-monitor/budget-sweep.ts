import { Injectable, Logger } from '@nestjs/common';
import { CampaignStatusService } from '../campaigns/campaign-status.service.js';
import { CampaignTermsService } from '../campaigns/campaign-terms.service.js';
import type { ResumableCampaign } from '../campaigns/resume.sql.js';
import { toMillionths } from '../ledger/millionths.js';
import { Clock } from '../platform/clock.js';
import { Patrols } from '../platform/database/patrols.js';
import type { Patrol } from '../platform/patrol.js';
import { BudgetCalendar, type BudgetDay } from './budget-calendar.js';
import { decideBudget, readBudget, readCounter } from './budget-decision.js';
import { CounterWatch } from './counter-watch.js';

/** So often the clock is looked at: a new day is noticed within that. */
const LOOK_EVERY_MS = 500;
/** Within a day, for budgets that were raised: within a minute is promised. */
const SWEEP_EVERY_MS = 15_000;

/** Lets campaigns run again that were paused for their budget: when a day begins, and when their budget is raised. */
@Injectable()
export class BudgetSweep {
  private readonly logger = new Logger(BudgetSweep.name);
  private readonly patrol: Patrol;
  private sweptOn: string | undefined;
  private sweptAt = 0;

  constructor(
    private readonly statuses: CampaignStatusService,
    private readonly terms: CampaignTermsService,
    private readonly counters: CounterWatch,
    private readonly calendar: BudgetCalendar,
    private readonly clock: Clock,
    patrols: Patrols,
  ) {
    this.patrol = patrols.add(LOOK_EVERY_MS, 'campaigns not resumed: trying again', () => this.look());
  }

  private async look(): Promise<void> {
    const today = this.calendar.dayAt(this.clock.now());
    if (this.sweptOn === today.date && performance.now() - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = performance.now();
    this.sweptOn = undefined; // what fails is tried again at the next look
    const count = await this.sweep(today);
    if (count > 0) this.logger.log({ msg: 'campaigns run again', count, day: today.date });
    this.sweptOn = today.date;
  }

  /** In short rounds, in the order of their ids; each is its own transaction. */
  private async sweep(today: BudgetDay): Promise<number> {
    const day = { day: today.date, timezone: this.calendar.timezone };
    let count = 0;
    for (let after = 0n; !this.patrol.isStopping;) {
      const found = await this.statuses.resumable(day, after);
      const last = found.at(-1);
      if (last === undefined) return count;
      after = last.campaignId;
      count += await this.statuses.resume(day, await this.withinBudget(found, today));
    }
    return count;
  }

  /** A new day goes by the ledger; a raised budget by the counter too, or the next click would pause the campaign again. */
  private async withinBudget(found: readonly ResumableCampaign[], today: BudgetDay): Promise<bigint[]> {
    const raised = found.filter(({ isNewDay, dailyBudget }) => !isNewDay && dailyBudget !== null);
    const counters = await this.terms.countersOf(raised.map(({ campaignId }) => campaignId));
    const exhausted = new Set<bigint>();
    for (const campaign of raised) {
      const counter = readCounter(counters.get(campaign.campaignId));
      if (counter !== null && (await this.isExhaustedBy(counter, campaign, today))) exhausted.add(campaign.campaignId);
    }
    return found.flatMap(({ campaignId }) => (exhausted.has(campaignId) ? [] : [campaignId]));
  }

  private async isExhaustedBy(counter: bigint, campaign: ResumableCampaign, today: BudgetDay): Promise<boolean> {
    const { campaignId, spent, dailyBudget } = campaign;
    const state = { ledger: toMillionths(spent), counter, budget: readBudget(dailyBudget), status: 'ACTIVE' };
    const { verdict } = decideBudget(state);
    return verdict === 'exhausted' && (await this.counters.counts(campaignId, today, counter));
  }
}
