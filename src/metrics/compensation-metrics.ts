import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { DuplicateRateWatch } from '../compensation/duplicate-rate-watch.js';
import { MetricsRegistry } from './metrics-registry.js';

/** How many clicks turn out to be duplicates, over all replicas. */
@Injectable()
export class CompensationMetrics {
  constructor(registry: MetricsRegistry, watch: DuplicateRateWatch) {
    new Gauge({
      name: 'worker_duplicate_click_ratio',
      help: 'Refunds to clicks of the last hour, of all replicas; 0 without clicks',
      registers: [registry],
      collect() {
        this.set(watch.ratio);
      },
    });
  }
}
