import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { DatabaseLifecycle } from '../platform/database/database-lifecycle.js';
import { KafkaStrategy } from '../platform/kafka/kafka.strategy.js';
import { RedisCacheService } from '../platform/redis/redis-cache.service.js';

/** Shorter than the probes of an orchestrator, which give up after a few seconds. */
const ANSWER_WITHIN_MS = 2_000;
/** Probes of several watchers share one look. */
const LOOK_EVERY_MS = 1_000;

@Injectable()
export class HealthIndicators {
  constructor(
    private readonly check: HealthIndicatorService,
    private readonly transport: KafkaStrategy,
    private readonly databaseLifecycle: DatabaseLifecycle,
    private readonly cache: RedisCacheService,
  ) {}

  /** Only a consumer that no waiting mends makes the process worthless. */
  alive(): HealthIndicatorResult {
    const broken = this.transport.states.filter(({ state }) => state === 'beyond repair').map(({ group }) => group);
    const indicator = this.check.check('consumers');
    return broken.length === 0 ? indicator.up() : indicator.down({ beyondRepair: broken });
  }

  /** Every group in its place, and none halted, stuck or draining. */
  consumers(): HealthIndicatorResult {
    const indicator = this.check.check('consumers');
    const states = Object.fromEntries(this.transport.states.map(({ group, state }) => [group, state]));
    if (this.transport.isDraining) return indicator.down({ ...states, draining: true });
    const joined = Object.values(states).every((state) => state === 'joined');
    return joined && this.transport.states.length > 0 ? indicator.up(states) : indicator.down(states);
  }

  async kafka(): Promise<HealthIndicatorResult> {
    return this.check
      .check('kafka')
      .attempt(() => this.transport.ping())
      .withTimeout(ANSWER_WITHIN_MS)
      .cacheFor(LOOK_EVERY_MS);
  }

  async database(): Promise<HealthIndicatorResult> {
    return this.check
      .check('database')
      .attempt(() => this.databaseLifecycle.ping())
      .withTimeout(ANSWER_WITHIN_MS)
      .cacheFor(LOOK_EVERY_MS);
  }

  /** Never down: without Redis prices come from the database. */
  redis(): HealthIndicatorResult {
    const indicator = this.check.check('redis');
    return this.cache.isUp ? indicator.up() : indicator.degraded('away: prices and budgets come from the database');
  }
}
