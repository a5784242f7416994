import { Module } from '@nestjs/common';
import { AlertsModule } from './alerts/alerts.module.js';
import { BudgetMonitorModule } from './budget-monitor/budget-monitor.module.js';
import { ClickBalanceModule } from './click-balance/click-balance.module.js';
import { CompensationModule } from './compensation/compensation.module.js';
import { ConfigModule } from './config/config.module.js';
import { DlqModule } from './dlq/dlq.module.js';
import { HealthModule } from './health/health.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { NotificationModule } from './notification/notification.module.js';
import { DatabaseModule } from './platform/database/database.module.js';
import { KafkaModule } from './platform/kafka/kafka.module.js';
import { TracingModule } from './platform/tracing/tracing.module.js';

@Module({
  imports: [
    // What capabilities stand on
    ConfigModule,
    DatabaseModule,
    KafkaModule,
    TracingModule,
    AlertsModule,

    // Capabilities, a line each
    ClickBalanceModule,
    BudgetMonitorModule,
    CompensationModule,
    NotificationModule,
    DlqModule,

    // How the Worker is watched
    HealthModule,
    MetricsModule,
  ],
})
export class AppModule {}
