import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.js';
import type { Config } from '../config/config.js';
import { CONFIG, ConfigModule } from '../config/config.module.js';
import { ClockModule } from '../platform/clock.module.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { KafkaModule } from '../platform/kafka/kafka.module.js';
import { DeadLetterCounts } from './dead-letter-counts.js';
import { DeadLetterStore } from './dead-letter-store.js';
import { DLQ_OPTIONS, type DlqOptions } from './dlq-options.js';
import { DlqController } from './dlq.controller.js';
import { DlqService } from './dlq.service.js';
import { OversizedLetterStore } from './oversized-letter-store.js';
import { ReplayOutcome } from './replay-outcome.js';
import { Retention } from './retention.js';

/** Dead letters of every topic: kept, told of, counted, and resolved when their replay was settled. */
@Module({
  imports: [ConfigModule, DatabaseModule, KafkaModule, AlertsModule, ClockModule],
  controllers: [DlqController],
  providers: [
    {
      provide: DLQ_OPTIONS,
      inject: [CONFIG],
      useFactory: ({ deadLetterRetentionMs }: Config): DlqOptions => ({ retentionMs: deadLetterRetentionMs }),
    },
    DlqService,
    DeadLetterStore,
    DeadLetterCounts,
    OversizedLetterStore,
    ReplayOutcome,
    Retention,
  ],
  exports: [DeadLetterCounts],
})
export class DlqModule {}
