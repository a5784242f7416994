import { Inject, Injectable } from '@nestjs/common';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import { CampaignStatusService } from '../campaigns/campaign-status.service.js';
import { fromMillionths, toMillionths } from '../ledger/millionths.js';
import type { CampaignSpend, PostingResult } from '../ledger/posting.js';
import { Clock } from '../platform/clock.js';
import { BudgetCalendar, type BudgetDay } from './budget-calendar.js';
import { decideBudget, readBudget, readCounter, type BudgetDecision } from './budget-decision.js';
import { BudgetHooks } from './budget-hooks.js';
import { BUDGET_OPTIONS, type BudgetOptions } from './budget-options.js';
import { budgetWarning } from './budget-warning.js';
import { CounterWatch } from './counter-watch.js';
import { Overspend } from './overspend.js';

/** A charge that was posted, now or before. */
export interface Charge {
  readonly advertiserId: bigint;
  /** What this charge took, a decimal. */
  readonly amount: string;
  /** `daily_budget:{campaignId}` in Redis, as it was read with the price. */
  readonly counter: string | null | undefined;
  /** The record's timestamp, in milliseconds. */
  readonly recordedAt: number;
  readonly posting: PostingResult;
}

/** The check after each charge: warns from 90 % of the day's budget, pauses at 100 %. */
@Injectable()
export class BudgetMonitorService {
  private readonly calendar: BudgetCalendar;
  private readonly overspend = new Overspend();

  constructor(
    private readonly statuses: CampaignStatusService,
    private readonly counters: CounterWatch,
    private readonly alerts: AlertPublisher,
    private readonly hooks: BudgetHooks,
    private readonly clock: Clock,
    @Inject(BUDGET_OPTIONS) { timezone }: BudgetOptions,
  ) {
    this.calendar = new BudgetCalendar(timezone);
  }

  /**
   * Resolves when what follows from the charge is safe: the pause committed, the warning with the broker. Undefined where
   * nothing follows, which is nearly always. A repeat is checked like the first time, so that a crash loses nothing.
   *
   * @throws TransientError while the campaign's row is held or the broker is away; the driver's error while the database is
   */
  check(charge: Charge): Promise<void> | undefined {
    const { campaign } = charge.posting;
    if (campaign === null) return undefined;
    this.countOverspend(charge, campaign);
    const today = this.calendar.dayAt(this.clock.now());
    // A backlog from yesterday says nothing about today.
    if (campaign.day !== today.date) return undefined;
    const counter = readCounter(charge.counter);
    if (counter !== null) this.counters.saw(campaign.campaignId, today.date, counter);
    const decision = decide(campaign, counter);
    return decision.verdict === 'fine' ? undefined : this.follow(charge, campaign, today, counter, decision);
  }

  private async follow(
    charge: Charge,
    campaign: CampaignSpend,
    today: BudgetDay,
    counter: bigint | null,
    first: BudgetDecision,
  ): Promise<void> {
    const isDoubtful = counter !== null && first.source === 'redis';
    const isBelieved = isDoubtful && (await this.counters.counts(campaign.campaignId, today, counter));
    const decision = isDoubtful && !isBelieved ? decide(campaign, null) : first;
    if (decision.verdict === 'warn') await this.alerts.raise(budgetWarning(charge.advertiserId, campaign, decision));
    if (decision.verdict === 'exhausted') await this.pause(charge, campaign, decision);
  }

  private async pause({ recordedAt }: Charge, { campaignId, day }: CampaignSpend, { spent, source }: BudgetDecision) {
    const isPaused = await this.statuses.pauseForBudget({ campaignId, day, spent: fromMillionths(spent), source });
    if (isPaused) this.hooks.paused(this.clock.now() - recordedAt);
  }

  private countOverspend({ amount, posting }: Charge, campaign: CampaignSpend): void {
    if (!posting.created || campaign.dailyBudget === null) return;
    const over = this.overspend.of(campaign, amount);
    if (over > 0n) this.hooks.overspent(fromMillionths(over));
  }
}

function decide({ spent, dailyBudget, status }: CampaignSpend, counter: bigint | null): BudgetDecision {
  return decideBudget({ ledger: toMillionths(spent), counter, budget: readBudget(dailyBudget), status });
}
