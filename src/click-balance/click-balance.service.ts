import { Injectable } from '@nestjs/common';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import { BudgetMonitorService } from '../budget-monitor/budget-monitor.service.js';
import { CampaignTermsService, type Price } from '../campaigns/campaign-terms.service.js';
import { recordKey } from '../ledger/idempotency-key.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { PostedAmounts } from '../ledger/posted-amounts.js';
import type { Deduction, PostingResult } from '../ledger/posting.js';
import type { RecordContext } from '../platform/kafka/record-context.js';
import type { Cached } from '../platform/redis/redis-cache.service.js';
import { balanceExhausted, crossesZero, isAtMostZero } from './balance-exhausted.js';
import { ClickEvent } from './click.event.js';

@Injectable()
export class ClickBalanceService {
  constructor(
    private readonly campaigns: CampaignTermsService,
    private readonly ledger: LedgerService,
    private readonly posted: PostedAmounts,
    private readonly budgets: BudgetMonitorService,
    private readonly alerts: AlertPublisher,
  ) {}

  /**
   * Charges the click's advertiser the campaign's CPC, once for each record, whatever repeats; then sees what follows for
   * its balance and for the campaign's budget.
   *
   * @throws PoisonError `UNKNOWN_PRICE`, `UNKNOWN_CAMPAIGN`, `UNKNOWN_ADVERTISER`, `CAMPAIGN_ADVERTISER_MISMATCH`
   */
  async charge(
    click: ClickEvent,
    record: Pick<RecordContext, 'coordinates' | 'priority' | 'waits'>,
  ): Promise<PostingResult> {
    const terms = await this.campaigns.of(click.campaignId);
    this.campaigns.priced[terms.price.source]++;
    const charge = chargeOf(click, terms.price, record);
    const posting = await this.ledger.post(charge, record);
    const follows = this.whatFollows(charge, posting, terms.counter);
    if (follows !== undefined) await follows;
    return posting;
  }

  /** Undefined where nothing follows, as nearly always. */
  private whatFollows(charge: Deduction, posting: PostingResult, counter: Cached): Promise<void> | undefined {
    return isAtMostZero(posting.balanceAfter)
      ? this.tellExhausted(charge, posting).then(() => this.checkBudget(charge, posting, counter))
      : this.checkBudget(charge, posting, counter);
  }

  private checkBudget(charge: Deduction, posting: PostingResult, counter: Cached): Promise<void> | undefined {
    const { advertiserId, amount, origin } = charge;
    return this.budgets.check({ advertiserId, amount, counter, recordedAt: origin.timestamp, posting });
  }

  private async tellExhausted(charge: Deduction, posting: PostingResult): Promise<void> {
    const { advertiserId, campaignId, idempotencyKey } = charge;
    const { balanceAfter: balance } = posting;
    if (!crossesZero(balance, await this.amountOf(posting, charge.amount))) return;
    await this.alerts.raise(balanceExhausted(advertiserId, campaignId, { idempotencyKey, balance }));
  }

  /** A repeat goes through the same decisions with what was charged, not with what the click would cost by now. */
  private async amountOf({ created, historyId }: PostingResult, amount: string): Promise<string> {
    return created ? amount : ((await this.posted.of(historyId)) ?? amount);
  }
}

function chargeOf(
  { campaignId, advertiserId, eventId, timestamp }: ClickEvent,
  { amount, source }: Price,
  { coordinates, priority }: Pick<RecordContext, 'coordinates' | 'priority'>,
): Deduction {
  return {
    type: 'DEDUCT',
    idempotencyKey: recordKey(coordinates),
    advertiserId,
    campaignId,
    amount,
    priceSource: source,
    eventId,
    occurredAt: timestamp,
    origin: coordinates,
    priority,
  };
}
