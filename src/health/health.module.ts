import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DatabaseModule } from '../platform/database/database.module.js';
import { KafkaModule } from '../platform/kafka/kafka.module.js';
import { RedisModule } from '../platform/redis/redis.module.js';
import { HealthController } from './health.controller.js';
import { HealthIndicators } from './health-indicators.js';

/** `/health/live` and `/health/ready`. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false }), DatabaseModule, KafkaModule, RedisModule],
  controllers: [HealthController],
  providers: [HealthIndicators],
  exports: [HealthIndicators],
})
export class HealthModule {}
