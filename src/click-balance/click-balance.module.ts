import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.js';
import { BudgetMonitorModule } from '../budget-monitor/budget-monitor.module.js';
import { CampaignsModule } from '../campaigns/campaigns.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { ClickBalanceController } from './click-balance.controller.js';
import { ClickBalanceService } from './click-balance.service.js';

/** Charges every click to its advertiser, and sees what follows for balance and budget. */
@Module({
  imports: [CampaignsModule, LedgerModule, BudgetMonitorModule, AlertsModule],
  controllers: [ClickBalanceController],
  providers: [ClickBalanceService],
})
export class ClickBalanceModule {}
