import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { recordKey } from '../ledger/idempotency-key.js';
import { EventPattern } from '../platform/kafka/event-pattern.js';
import { RecordContext } from '../platform/kafka/record-context.js';
import { ClickBalanceService } from './click-balance.service.js';
import { ClickEvent } from './click.event.js';

@Controller()
export class ClickBalanceController {
  constructor(private readonly clicks: ClickBalanceService) {}

  @EventPattern('ad-events', { group: 'click-balance-processor', postingKey: (_click, record) => recordKey(record) })
  async onClick(@Payload() click: ClickEvent, @Ctx() record: RecordContext): Promise<void> {
    const { created } = await this.clicks.charge(click, record);
    record.outcome = created ? 'posted' : 'repeated';
  }
}
