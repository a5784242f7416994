import { Module } from '@nestjs/common';
import { CampaignsModule } from '../campaigns/campaigns.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { ClickBalanceController } from './click-balance.controller.js';
import { ClickBalanceService } from './click-balance.service.js';

/** Charges every click to its advertiser. */
@Module({
  imports: [CampaignsModule, LedgerModule],
  controllers: [ClickBalanceController],
  providers: [ClickBalanceService],
})
export class ClickBalanceModule {}
