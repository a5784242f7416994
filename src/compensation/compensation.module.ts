import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.js';
import type { Config } from '../config/config.js';
import { CONFIG, ConfigModule } from '../config/config.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { ClockModule } from '../platform/clock.module.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { CompensationController } from './compensation.controller.js';
import { CompensationService } from './compensation.service.js';
import { DUPLICATE_RATE_OPTIONS, type DuplicateRateOptions } from './duplicate-rate-options.js';
import { DuplicateRateWatch } from './duplicate-rate-watch.js';

/** Pays duplicate clicks back that Flink found, and watches how many there are. */
@Module({
  imports: [ConfigModule, DatabaseModule, ClockModule, LedgerModule, AlertsModule],
  controllers: [CompensationController],
  providers: [
    {
      provide: DUPLICATE_RATE_OPTIONS,
      inject: [CONFIG],
      useFactory: ({ duplicateRateAlertPercent }: Config): DuplicateRateOptions => ({
        alertAbovePercent: duplicateRateAlertPercent,
      }),
    },
    CompensationService,
    DuplicateRateWatch,
  ],
  exports: [DuplicateRateWatch],
})
export class CompensationModule {}
