import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { HealthIndicators } from '../health/health-indicators.js';
import { MetricsRegistry } from './metrics-registry.js';

/** What `/health/ready` asks for, so that an alert can name what is missing; Redis, which is not needed, has its own. */
@Injectable()
export class HealthMetrics {
  constructor(registry: MetricsRegistry, indicators: HealthIndicators) {
    new Gauge({
      name: 'worker_ready',
      help: '1 while this part of /health/ready is well; the Worker is ready when all of them are',
      labelNames: ['check'],
      registers: [registry],
      async collect() {
        const asked = await Promise.all([indicators.kafka(), indicators.database()]);
        for (const result of [indicators.consumers(), ...asked]) {
          for (const [check, { status }] of Object.entries(result)) this.set({ check }, status === 'up' ? 1 : 0);
        }
      },
    });
  }
}
