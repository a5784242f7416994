import { Inject, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { CONFIG, ConfigModule } from '../config/config.module.js';
import { DatabaseLifecycle } from '../platform/database/database-lifecycle.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { pinBudgetTimezone } from './budget-timezone.js';
import { LedgerHooks } from './ledger-hooks.js';
import { LEDGER_OPTIONS, type LedgerOptions } from './ledger-options.js';
import { LedgerService } from './ledger.service.js';
import { PartitionUpkeep } from './partition-upkeep.js';
import { PostedAmounts } from './posted-amounts.js';
import { faultOfPosting } from './post-group.sql.js';
import { PostingCounts } from './posting-counts.js';

/** Postings in; balances, histories and daily spend out. Owns those tables. */
@Module({
  imports: [ConfigModule, DatabaseModule],
  providers: [
    {
      provide: LEDGER_OPTIONS,
      inject: [CONFIG],
      useFactory: ({ databaseUrl, budgetTimezone }: Config): LedgerOptions => ({ databaseUrl, budgetTimezone }),
    },
    LedgerHooks,
    LedgerService,
    PartitionUpkeep,
    PostedAmounts,
    PostingCounts,
  ],
  exports: [LedgerService, LedgerHooks, PartitionUpkeep, PostedAmounts, PostingCounts],
})
export class LedgerModule {
  constructor(
    lifecycle: DatabaseLifecycle,
    database: DataSource,
    @Inject(LEDGER_OPTIONS) { budgetTimezone }: LedgerOptions,
  ) {
    lifecycle.beforeReady(() =>
      pinBudgetTimezone((sql, parameters) => database.query(sql, parameters), budgetTimezone),
    );
    lifecycle.atEachPing(faultOfPosting);
  }
}
