import { Injectable } from '@nestjs/common';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import { BudgetMonitorService } from '../budget-monitor/budget-monitor.service.js';
import { CampaignTermsService } from '../campaigns/campaign-terms.service.js';
import { recordKey } from '../ledger/idempotency-key.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { PostedAmounts } from '../ledger/posted-amounts.js';
import type { Deduction, PostingResult } from '../ledger/posting.js';
import type { RecordContext } from '../platform/kafka/record-context.js';
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
    { campaignId, advertiserId, eventId, timestamp }: ClickEvent,
    record: Pick<RecordContext, 'coordinates' | 'priority' | 'waits'>,
  ): Promise<PostingResult> {
    const { coordinates, priority } = record;
    const { price, counter } = await this.campaigns.of(campaignId);
    const idempotencyKey = recordKey(coordinates);
    const { amount, source } = price;
    this.campaigns.priced[source]++;
    const charge: Deduction = {
      type: 'DEDUCT',
      idempotencyKey,
      advertiserId,
      campaignId,
      amount,
      priceSource: source,
      eventId,
      occurredAt: timestamp,
      origin: coordinates,
      priority,
    };
    const posting = await this.ledger.post(charge, record);
    const { balanceAfter: balance } = posting;
    if (isAtMostZero(balance) && crossesZero(balance, await this.amountOf(posting, amount))) {
      await this.alerts.raise(balanceExhausted(advertiserId, campaignId, { idempotencyKey, balance }));
    }
    const check = this.budgets.check({ advertiserId, amount, counter, recordedAt: coordinates.timestamp, posting });
    if (check !== undefined) await check;
    return posting;
  }

  /** A repeat goes through the same decisions with what was charged, not with what the click would cost by now. */
  private async amountOf({ created, historyId }: PostingResult, amount: string): Promise<string> {
    return created ? amount : ((await this.posted.of(historyId)) ?? amount);
  }
}
