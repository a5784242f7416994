import { Injectable } from '@nestjs/common';
import { CampaignPriceService } from '../campaigns/campaign-price.service.js';
import { LedgerService } from '../ledger/ledger.service.js';
import type { PostingPriority, PostingResult } from '../ledger/posting.js';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';
import { ClickEvent } from './click.event.js';

@Injectable()
export class ClickBalanceService {
  constructor(
    private readonly prices: CampaignPriceService,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * Charges the click's advertiser the campaign's CPC, once for each record, whatever repeats.
   *
   * @throws PoisonError `UNKNOWN_PRICE`, `UNKNOWN_CAMPAIGN`, `UNKNOWN_ADVERTISER`, `CAMPAIGN_ADVERTISER_MISMATCH`
   */
  async charge(
    click: ClickEvent,
    { coordinates, priority }: { coordinates: RecordCoordinates; priority: PostingPriority },
  ): Promise<PostingResult> {
    const price = await this.prices.priceOf(click.campaignId);
    return this.ledger.post({
      type: 'DEDUCT',
      idempotencyKey: recordKey(coordinates),
      advertiserId: click.advertiserId,
      campaignId: click.campaignId,
      amount: price.amount,
      priceSource: price.source,
      eventId: click.eventId,
      occurredAt: click.timestamp,
      origin: coordinates,
      priority,
    });
  }
}

/** Two records are two clicks even with one `eventId`; a topic made anew gives the same offsets out with other times. */
function recordKey({ topic, partition, offset, timestamp }: RecordCoordinates): string {
  return `record:${topic}:${partition}:${offset}:${timestamp}`;
}
