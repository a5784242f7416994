import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { PriceSource } from '../ledger/posting.js';
import { Coalescer } from '../platform/coalescer.js';
import { isAboveZero, readAmount } from '../platform/events/values.js';
import { PoisonError, TransientError } from '../platform/failure.js';
import { RedisCacheService } from '../platform/redis/redis-cache.service.js';
import { Campaign } from './campaign.entity.js';

export interface Price {
  /** Above zero, plain decimal. */
  readonly amount: string;
  readonly source: PriceSource;
}

/** What a click of a campaign costs. */
@Injectable()
export class CampaignPriceService {
  private readonly rows = new Coalescer<bigint, Campaign | undefined>((ids) => this.find(ids), undefined);

  /** How many prices came from where, since the start. */
  readonly found: Record<PriceSource, number> = { redis: 0, database: 0 };

  constructor(
    private readonly cache: RedisCacheService,
    @InjectRepository(Campaign) private readonly campaigns: Repository<Campaign>,
  ) {}

  /**
   * The campaign's CPC: `cpc:{campaignId}` in Redis, else `campaigns.cpc`.
   *
   * @throws TransientError when Redis cannot be asked and the database has no price
   * @throws PoisonError `UNKNOWN_PRICE` when neither is money above zero, `UNKNOWN_CAMPAIGN` when there is no such campaign
   */
  async priceOf(campaignId: bigint): Promise<Price> {
    const answer = await this.cache.get(`cpc:${campaignId}`);
    const cached = money(answer);
    if (cached !== undefined) return this.price(cached, 'redis');
    const campaign = await this.rows.get(campaignId);
    if (campaign === undefined)
      throw new PoisonError('UNKNOWN_CAMPAIGN', `campaignId ${campaignId}: there is no such campaign`);
    const stored = money(campaign.cpc);
    if (stored !== undefined) return this.price(stored, 'database');
    // Only an answer of Redis makes the price unknown; while there is none, the click may yet have one.
    if (answer === undefined)
      throw new TransientError(`campaignId ${campaignId}: its price may be in Redis, which is away`);
    throw new PoisonError(
      'UNKNOWN_PRICE',
      `campaignId ${campaignId}: neither Redis nor the database has a CPC above zero`,
    );
  }

  private price(amount: string, source: PriceSource): Price {
    this.found[source]++;
    return { amount, source };
  }

  private async find(ids: bigint[]): Promise<Map<bigint, Campaign>> {
    const found = await this.campaigns.find({ where: { id: In(ids) } });
    return new Map(found.map((campaign) => [campaign.id, campaign]));
  }
}

/** A price that is not money above zero counts as absent. */
function money(text: string | null | undefined): string | undefined {
  const amount = readAmount(text);
  return amount !== undefined && isAboveZero(amount) ? amount : undefined;
}
