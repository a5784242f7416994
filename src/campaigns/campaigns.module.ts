import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AlertsModule } from '../alerts/alerts.module.js';
import { ClockModule } from '../platform/clock.module.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { RedisModule } from '../platform/redis/redis.module.js';
import { CampaignStatusService } from './campaign-status.service.js';
import { CampaignTermsService } from './campaign-terms.service.js';
import { Campaign } from './campaign.entity.js';
import { TransitionAnnouncer } from './transition-announcer.js';

/** Price, budget and status of a campaign; owns `campaigns` and `campaign_transitions`. */
@Module({
  imports: [TypeOrmModule.forFeature([Campaign]), DatabaseModule, RedisModule, ClockModule, AlertsModule],
  providers: [CampaignTermsService, CampaignStatusService, TransitionAnnouncer],
  exports: [CampaignTermsService, CampaignStatusService],
})
export class CampaignsModule {}
