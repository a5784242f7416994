import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { DeliveryCounts } from '../notification/delivery-counts.js';
import { MetricsRegistry } from './metrics-registry.js';

/** Whether alerts reach people. */
@Injectable()
export class DeliveryMetrics {
  constructor(registry: MetricsRegistry, deliveries: DeliveryCounts) {
    new Counter({
      name: 'worker_alert_deliveries_total',
      help: 'Deliveries of alerts that became PENDING (stored), DELIVERED or FAILED here',
      labelNames: ['channel', 'status'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { channel, status, count } of deliveries.entries()) this.inc({ channel, status }, count);
      },
    });
  }
}
