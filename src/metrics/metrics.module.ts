import { Module } from '@nestjs/common';
import { BudgetMonitorModule } from '../budget-monitor/budget-monitor.module.js';
import { CampaignsModule } from '../campaigns/campaigns.module.js';
import { CompensationModule } from '../compensation/compensation.module.js';
import { DlqModule } from '../dlq/dlq.module.js';
import { HealthModule } from '../health/health.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { NotificationModule } from '../notification/notification.module.js';
import { KafkaModule } from '../platform/kafka/kafka.module.js';
import { RedisModule } from '../platform/redis/redis.module.js';
import { BudgetMetrics } from './budget-metrics.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { CompensationMetrics } from './compensation-metrics.js';
import { DeadLetterMetrics } from './dead-letter-metrics.js';
import { HealthMetrics } from './health-metrics.js';
import { LedgerMetrics } from './ledger-metrics.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsRegistryModule } from './metrics-registry.module.js';
import { PriceMetrics } from './price-metrics.js';
import { TransportMetrics } from './transport-metrics.js';

/** `/metrics`, for Prometheus. */
@Module({
  imports: [
    KafkaModule,
    LedgerModule,
    CampaignsModule,
    BudgetMonitorModule,
    CompensationModule,
    DlqModule,
    NotificationModule,
    RedisModule,
    HealthModule,
    MetricsRegistryModule,
  ],
  controllers: [MetricsController],
  providers: [
    TransportMetrics,
    LedgerMetrics,
    PriceMetrics,
    BudgetMetrics,
    CompensationMetrics,
    DeliveryMetrics,
    DeadLetterMetrics,
    HealthMetrics,
  ],
})
export class MetricsModule {}
