import { Module } from '@nestjs/common';
import { ClockModule } from '../platform/clock.module.js';
import { KafkaModule } from '../platform/kafka/kafka.module.js';
import { AlertPublisher } from './alert-publisher.js';
import { TransportAlerts } from './transport-alerts.js';

/** Says on `alert-events` that something happened. */
@Module({
  imports: [KafkaModule, ClockModule],
  providers: [AlertPublisher, TransportAlerts],
  exports: [AlertPublisher],
})
export class AlertsModule {}
