import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { PriceSource } from '../ledger/posting.js';
import { Coalescer } from '../platform/coalescer.js';
import { isAboveZero, readAmount } from '../platform/events/values.js';
import { PoisonError, TransientError } from '../platform/failure.js';
import { RedisCacheService, type Cached } from '../platform/redis/redis-cache.service.js';
import { Campaign } from './campaign.entity.js';

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

interface Entry {
  readonly cpc: Cached;
  readonly counter: Cached;
}

const REDIS_IS_AWAY: Entry = { cpc: undefined, counter: undefined };

/** What a click costs, and what its campaign has spent by Redis's count: both in one round trip for a chunk of clicks. */
@Injectable()
export class CampaignTermsService {
  private readonly entries = new Coalescer<bigint, Entry>((ids) => this.read(ids), REDIS_IS_AWAY);
  private readonly rows = new Coalescer<bigint, Campaign | undefined>((ids) => this.find(ids), undefined);

  /** How many prices came from where, since the start. */
  readonly found: Record<PriceSource, number> = { redis: 0, database: 0 };

  constructor(
    private readonly cache: RedisCacheService,
    @InjectRepository(Campaign) private readonly campaigns: Repository<Campaign>,
  ) {}

  /**
   * The campaign's CPC (`cpc:{campaignId}` in Redis, else `campaigns.cpc`) and its counter (`daily_budget:{campaignId}`).
   *
   * @throws TransientError when Redis cannot be asked and the database has no price
   * @throws PoisonError `UNKNOWN_PRICE` when neither is money above zero, `UNKNOWN_CAMPAIGN` when there is no such campaign
   */
  async of(campaignId: bigint): Promise<CampaignTerms> {
    const { cpc, counter } = this.cache.isUp ? await this.entries.get(campaignId) : REDIS_IS_AWAY;
    const cached = money(cpc);
    const price: Price =
      cached === undefined ? await this.storedPrice(campaignId, cpc) : { amount: cached, source: 'redis' };
    this.found[price.source]++;
    return { price, counter };
  }

  /** The counters of these campaigns; none where Redis cannot be asked or has none. */
  async countersOf(campaignIds: readonly bigint[]): Promise<Map<bigint, string>> {
    const values = await this.cache.read(campaignIds.map(counterKey));
    return new Map(campaignIds.flatMap((id, i) => (typeof values[i] === 'string' ? [[id, values[i]]] : [])));
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

  private async read(ids: readonly bigint[]): Promise<Map<bigint, Entry>> {
    const values = await this.cache.read([...ids.map((id) => `cpc:${id}`), ...ids.map(counterKey)]);
    return new Map(ids.map((id, i) => [id, { cpc: values[i], counter: values[ids.length + i] }]));
  }

  private async find(ids: bigint[]): Promise<Map<bigint, Campaign>> {
    const found = await this.campaigns.find({ where: { id: In(ids) } });
    return new Map(found.map((campaign) => [campaign.id, campaign]));
  }
}

const counterKey = (campaignId: bigint): string => `daily_budget:${campaignId}`;

/** A price that is not money above zero counts as absent. */
function money(text: Cached): string | undefined {
  const amount = readAmount(text);
  return amount !== undefined && isAboveZero(amount) ? amount : undefined;
}
