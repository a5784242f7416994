import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { HealthIndicators } from './health-indicators.js';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicators,
  ) {}

  /** 200 while the process can do its work, now or when what is away comes back; 503: start another one. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicators.alive()]);
  }

  /** 200 while clicks are being charged; `degraded` when Redis is away and prices come from the database. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    const { indicators } = this;
    return this.health.check([
      () => indicators.consumers(),
      () => indicators.kafka(),
      () => indicators.database(),
      () => indicators.redis(),
    ]);
  }
}
