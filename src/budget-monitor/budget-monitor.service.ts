import { Injectable } from '@nestjs/common';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import { CampaignStatusService } from '../campaigns/campaign-status.service.js';
import { fromMillionths, toMillionths } from '../ledger/millionths.js';
import type { CampaignSpend, PostingResult } from '../ledger/posting.js';
import { Clock } from '../platform/clock.js';
import { BudgetCalendar, type BudgetDay } from './budget-calendar.js';
import {
  decideBudget,
  isFarBelowBudget,
  readBudget,
  readCounter,
  type BudgetDecision,
  type BudgetState,
} from './budget-decision.js';
import { BudgetHooks } from './budget-hooks.js';
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
  private readonly overspend = new Overspend();

  constructor(
    private readonly statuses: CampaignStatusService,
    private readonly counters: CounterWatch,
    private readonly alerts: AlertPublisher,
    private readonly hooks: BudgetHooks,
    private readonly calendar: BudgetCalendar,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves when what follows from the charge is safe: the pause committed, the warning with the broker. Undefined where
   * nothing follows, which is nearly always. A repeat is checked like the first time, so that a crash loses nothing.
   *
   * @throws TransientError while the campaign's row is held or the broker is away; the driver's error while the database is
   */
  check(charge: Charge): Promise<void> | undefined {
    const { campaign } = charge.posting;
    if (campaign === null) return undefined;
    const today = this.calendar.dayAt(this.clock.now());
    // A backlog from yesterday says nothing about today.
    const isToday = campaign.day === today.date;
    const text = isToday ? charge.counter : null;
    if (typeof text === 'string') this.counters.saw(campaign.campaignId, today.date, text);
    if (isFarBelowBudget(campaign.spent, text, campaign.dailyBudget)) return undefined;
    const figures = figuresOf(campaign);
    this.countOverspend(charge, campaign, figures);
    if (!isToday) return undefined;
    const state = { ...figures, counter: readCounter(text) };
    const decision = decideBudget(state);
    return decision.verdict === 'fine' ? undefined : this.follow(charge, campaign, today, state, decision);
  }

  private async follow(
    charge: Charge,
    campaign: CampaignSpend,
    today: BudgetDay,
    state: BudgetState,
    first: BudgetDecision,
  ): Promise<void> {
    const decision = await this.believable(first, state, campaign, today);
    if (decision.verdict === 'warn') await this.alerts.raise(budgetWarning(charge.advertiserId, campaign, decision));
    if (decision.verdict === 'exhausted') await this.pause(charge, campaign, decision);
  }

  /** Decides without the counter where the decision rests on one that may be yesterday's. */
  private async believable(
    decision: BudgetDecision,
    state: BudgetState,
    { campaignId }: CampaignSpend,
    today: BudgetDay,
  ): Promise<BudgetDecision> {
    const { counter } = state;
    if (counter === null || decision.source === 'ledger') return decision;
    return (await this.counters.counts(campaignId, today, counter))
      ? decision
      : decideBudget({ ...state, counter: null });
  }

  private async pause({ recordedAt }: Charge, { campaignId, day }: CampaignSpend, { spent, source }: BudgetDecision) {
    const isPaused = await this.statuses.pauseForBudget({ campaignId, day, spent: fromMillionths(spent), source });
    if (isPaused) this.hooks.paused(this.clock.now() - recordedAt);
  }

  private countOverspend({ amount, posting }: Charge, campaign: CampaignSpend, { ledger, budget }: Figures): void {
    if (!posting.created || budget === null) return;
    const over = this.overspend.of(campaign, ledger - budget, amount);
    if (over > 0n) this.hooks.overspent(fromMillionths(over));
  }
}

/** What the posting says. */
type Figures = Omit<BudgetState, 'counter'>;

function figuresOf({ spent, dailyBudget, status }: CampaignSpend): Figures {
  return { ledger: toMillionths(spent), budget: readBudget(dailyBudget), status };
}
