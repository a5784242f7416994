import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.js';
import { CampaignsModule } from '../campaigns/campaigns.module.js';
import type { Config } from '../config/config.js';
import { CONFIG, ConfigModule } from '../config/config.module.js';
import { ClockModule } from '../platform/clock.module.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { RedisModule } from '../platform/redis/redis.module.js';
import { BudgetCalendar } from './budget-calendar.js';
import { BudgetHooks } from './budget-hooks.js';
import { BudgetMonitorService } from './budget-monitor.service.js';
import { BUDGET_OPTIONS, type BudgetOptions } from './budget-options.js';
import { BudgetSweep } from './budget-sweep.js';
import { CounterWatch } from './counter-watch.js';

/** Watches daily budgets: warns, pauses at once, and lets campaigns run again when a day begins or a budget is raised. */
@Module({
  imports: [ConfigModule, DatabaseModule, ClockModule, CampaignsModule, AlertsModule, RedisModule],
  providers: [
    {
      provide: BUDGET_OPTIONS,
      inject: [CONFIG],
      useFactory: ({ budgetGraceMs }: Config): BudgetOptions => ({ graceMs: budgetGraceMs }),
    },
    {
      provide: BudgetCalendar,
      inject: [CONFIG],
      useFactory: ({ budgetTimezone }: Config) => new BudgetCalendar(budgetTimezone),
    },
    BudgetHooks,
    BudgetMonitorService,
    BudgetSweep,
    CounterWatch,
  ],
  exports: [BudgetMonitorService, BudgetHooks],
})
export class BudgetMonitorModule {}
