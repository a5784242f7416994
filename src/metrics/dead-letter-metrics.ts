import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { DeadLetterCounts } from '../dlq/dead-letter-counts.js';
import { MetricsRegistry } from './metrics-registry.js';

/** What failed for good and waits for somebody, and what became of the rest. */
@Injectable()
export class DeadLetterMetrics {
  constructor(registry: MetricsRegistry, counts: DeadLetterCounts) {
    new Gauge({
      name: 'worker_dead_letters',
      help: 'Dead letters in the table, some seconds ago at the most; each replica says the same',
      labelNames: ['topic', 'code', 'status'],
      registers: [registry],
      async collect() {
        const all = await counts.all();
        this.reset();
        for (const { topic, code, status, count } of all) this.set({ topic, code, status }, count);
      },
    });
  }
}
