import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { readAlert } from '../alerts/alert.js';
import { EventPattern } from '../platform/kafka/event-pattern.js';
import { RecordContext } from '../platform/kafka/record-context.js';
import { NotificationService } from './notification.service.js';

@Controller()
export class NotificationController {
  constructor(private readonly notifications: NotificationService) {}

  /** Plain JSON: an alert's shape is `readAlert`'s business, for whoever else reads the topic too. */
  @EventPattern('alert-events', { group: 'notification-processor' })
  async onAlert(@Payload() json: unknown, @Ctx() record: RecordContext): Promise<void> {
    const isNew = await this.notifications.accept(readAlert(json));
    record.outcome = isNew ? 'handled' : 'repeated';
  }
}
