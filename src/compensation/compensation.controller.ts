import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventPattern } from '../platform/kafka/event-pattern.js';
import { RecordContext } from '../platform/kafka/record-context.js';
import { CompensationEvent } from './compensation.event.js';
import { CompensationService } from './compensation.service.js';
import { refundKey } from './refund-key.js';

@Controller()
export class CompensationController {
  constructor(private readonly compensations: CompensationService) {}

  @EventPattern('compensation-events', { group: 'compensation-processor', postingKey: refundKey })
  async onCompensation(@Payload() event: CompensationEvent, @Ctx() record: RecordContext): Promise<void> {
    const { created } = await this.compensations.refund(event, record);
    record.outcome = created ? 'posted' : 'repeated';
  }
}
