import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { CampaignTermsService } from '../campaigns/campaign-terms.service.js';
import { RedisCacheService } from '../platform/redis/redis-cache.service.js';
import { MetricsRegistry } from './metrics-registry.js';

/** Where prices come from, and whether Redis answers. */
@Injectable()
export class PriceMetrics {
  constructor(registry: MetricsRegistry, prices: CampaignTermsService, cache: RedisCacheService) {
    const registers = [registry];
    new Counter({
      name: 'worker_price_source_total',
      help: 'Prices, by where they came from',
      labelNames: ['source'],
      registers,
      collect() {
        this.reset();
        for (const [source, count] of Object.entries(prices.priced)) this.inc({ source }, count);
      },
    });
    new Gauge({
      name: 'worker_redis_up',
      help: '1 while Redis answers in time',
      registers,
      collect() {
        this.set(cache.isUp ? 1 : 0);
      },
    });
  }
}
