import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { PriceSource } from '../ledger/posting.js';
import { Coalescer } from '../platform/coalescer.js';
import { isAboveZero, readAmount } from '../platform/events/values.js';
import { PoisonError, TransientError } from '../platform/failure.js';
import { RedisCacheService, type Cached } from '../platform/redis/redis-cache.service.js';
import { UnusableValues } from '../platform/redis/unusable-values.js';
import { Campaign } from './campaign.entity.js';
import { counterKey, priceKey } from './redis-keys.js';

export interface Price {
  /** Above zero, plain decimal. */
  readonly amount: string;
  readonly source: PriceSource;
}

/** What a click of a campaign goes by. */
export interface CampaignTerms {
  readonly price: Price;
  /** What Redis counts as the campaign's spending of the day, as it stands there. */
  readonly counter: Cached;
}

/** What a click costs, and what its campaign has spent by Redis's count: both in one round trip for a chunk of clicks. */
@Injectable()
export class CampaignTermsService {
  private readonly terms = new Coalescer<bigint, CampaignTerms>((ids) => this.read(ids));
  private readonly rows = new Coalescer<bigint, Campaign | undefined>((ids) => this.find(ids));

  /** How many clicks were priced from where, since the start. */
  readonly priced: Record<PriceSource, number> = { redis: 0, database: 0 };

  constructor(
    private readonly cache: RedisCacheService,
    private readonly unusable: UnusableValues,
    @InjectRepository(Campaign) private readonly campaigns: Repository<Campaign>,
  ) {}

  /**
   * The campaign's CPC (`cpc:{campaignId}` in Redis, else `campaigns.cpc`) and its counter (`daily_budget:{campaignId}`).
   *
   * @throws TransientError when Redis cannot be asked and the database has no price
   * @throws PoisonError `UNKNOWN_PRICE` when neither is money above zero, `UNKNOWN_CAMPAIGN` when there is no such campaign
   */
  of(campaignId: bigint): Promise<CampaignTerms> {
    return this.terms.get(campaignId);
  }

  /** The counters of these campaigns; none where Redis cannot be asked or has none. */
  async countersOf(campaignIds: readonly bigint[]): Promise<Map<bigint, string>> {
    const values = await this.cache.read(campaignIds.map(counterKey));
    return new Map(campaignIds.flatMap((id, i) => (typeof values[i] === 'string' ? [[id, values[i]]] : [])));
  }

  private async read(ids: readonly bigint[]): Promise<(CampaignTerms | Promise<CampaignTerms>)[]> {
    const values = await this.cache.read([...ids.map(priceKey), ...ids.map(counterKey)]);
    return ids.map((id, i) => {
      const [cpc, counter] = [values[i], values[ids.length + i]];
      const amount = money(cpc);
      if (amount === undefined) {
        if (typeof cpc === 'string') this.unusable.found(priceKey(id), cpc);
        return this.storedPrice(id, cpc).then((price) => ({ price, counter }));
      }
      return { price: { amount, source: 'redis' }, counter };
    });
  }

  private async storedPrice(campaignId: bigint, answer: Cached): Promise<Price> {
    const campaign = await this.rows.get(campaignId);
    if (campaign === undefined)
      throw new PoisonError('UNKNOWN_CAMPAIGN', `campaignId ${campaignId}: there is no such campaign`);
    const stored = money(campaign.cpc);
    if (stored !== undefined) return { amount: stored, source: 'database' };
    // Only an answer of Redis makes the price unknown; while there is none, the click may yet have one.
    if (answer === undefined)
      throw new TransientError(`campaignId ${campaignId}: its price may be in Redis, which is away`);
    throw new PoisonError(
      'UNKNOWN_PRICE',
      `campaignId ${campaignId}: neither Redis nor the database has a CPC above zero`,
    );
  }

  private async find(ids: readonly bigint[]): Promise<(Campaign | undefined)[]> {
    const rows = await this.campaigns.find({ where: { id: In([...ids]) } });
    const found = new Map(rows.map((campaign) => [campaign.id, campaign]));
    return ids.map((id) => found.get(id));
  }
}

/** A price that is not money above zero counts as absent. */
function money(text: Cached): string | undefined {
  const amount = readAmount(text);
  return amount !== undefined && isAboveZero(amount) ? amount : undefined;
}
