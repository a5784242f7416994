import { Injectable } from '@nestjs/common';
import { LedgerService } from '../ledger/ledger.service.js';
import type { PostingResult, Refund } from '../ledger/posting.js';
import type { RecordContext } from '../platform/kafka/record-context.js';
import { CompensationEvent } from './compensation.event.js';
import { refundKey } from './refund-key.js';

@Injectable()
export class CompensationService {
  constructor(private readonly ledger: LedgerService) {}

  /**
   * Pays `refundAmount` (decimal, at most six places) back to the advertiser, once, and logs the duplicate click with it. A
   * campaign that is unknown or somebody else's stands in the log alone.
   *
   * @throws PoisonError `UNKNOWN_ADVERTISER` when nobody has that id
   * @throws PoisonError `IDEMPOTENCY_CONFLICT` when the same `compensationId` came before with another amount or advertiser
   */
  async refund(
    event: CompensationEvent,
    record: Pick<RecordContext, 'coordinates' | 'priority' | 'waits'>,
  ): Promise<PostingResult> {
    const { coordinates, priority } = record;
    const { advertiserId, refundAmount, detectedAt } = event;
    const refund: Refund = {
      type: 'REFUND',
      idempotencyKey: refundKey(event, coordinates),
      advertiserId,
      amount: refundAmount,
      occurredAt: detectedAt,
      origin: coordinates,
      priority,
      duplicateClick: event, // its log row belongs to the posting's transaction: a crash between the two would repeat it
    };
    return this.ledger.post(refund, record);
  }
}
