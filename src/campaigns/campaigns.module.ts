import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RedisModule } from '../platform/redis/redis.module.js';
import { CampaignPriceService } from './campaign-price.service.js';
import { Campaign } from './campaign.entity.js';

/** Price, budget and status of a campaign; owns `campaigns` and `campaign_transitions`. */
@Module({
  imports: [TypeOrmModule.forFeature([Campaign]), RedisModule],
  providers: [CampaignPriceService],
  exports: [CampaignPriceService],
})
export class CampaignsModule {}
