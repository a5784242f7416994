import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { DeadLetterPattern } from '../platform/kafka/dead-letter-pattern.js';
import { RecordContext } from '../platform/kafka/record-context.js';
import { DlqService } from './dlq.service.js';

@Controller()
export class DlqController {
  constructor(private readonly deadLetters: DlqService) {}

  @DeadLetterPattern({ group: 'dlq-processor' })
  async onDeadLetter(@Payload() _value: Buffer | null, @Ctx() { record }: RecordContext): Promise<void> {
    await this.deadLetters.keep(record);
  }
}
