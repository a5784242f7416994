import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { uniqueId } from './fixtures.js';
import { Topics, type Produced, type ProduceOptions, type ReadRecord } from './kafka.js';

export interface Advertiser {
  readonly id: bigint;
}

export interface TestCampaign {
  readonly id: bigint;
  readonly advertiserId: bigint;
}

export interface History {
  readonly type: string;
  readonly amount: string;
  readonly balance_after: string;
  readonly price_source: string | null;
  readonly event_id: string | null;
  readonly campaign_id: string | null;
  readonly idempotency_key: string;
  readonly source_topic: string;
  readonly source_partition: number;
  readonly source_offset: string;
  readonly occurred_at: Date;
  readonly recorded_at: Date;
}

export interface DuplicateClickLog {
  readonly compensation_id: string | null;
  readonly campaign_id: string | null;
  readonly original_event_id: string | null;
  readonly duplicate_event_id: string | null;
  readonly refund_amount: string;
  readonly reason: string | null;
  readonly detected_at: Date | null;
  readonly history_id: string;
}

export interface CampaignRow {
  readonly status: string;
  readonly status_reason: string | null;
  readonly budget_paused_on: string | null;
  readonly budget_paused_spent: string | null;
}

export interface Alert {
  readonly alertId: string;
  readonly type: string;
  readonly severity: string;
  readonly occurredAt: string;
  readonly subject: { readonly campaignId?: string; readonly advertiserId?: string; readonly topic?: string };
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Topics that the groups of the Worker read, for `settled`. */
const TOPIC_OF: Readonly<Record<string, string>> = {
  'click-balance-processor': 'ad-events',
  'click-balance-processor-retry': 'ad-events.retry',
  'notification-processor': 'alert-events',
  'compensation-processor': 'compensation-events',
  'compensation-processor-retry': 'compensation-events.retry',
};

/** A stack as the rest of the ad platform sees it: it writes topics and prices, and looks at tables. */
export class World {
  readonly topics: Topics;
  readonly database: pg.Pool;
  readonly redis: Redis;
  private readonly advertisers = new Set<bigint>();

  constructor(readonly env: Readonly<Record<string, string>>) {
    this.topics = new Topics(env['KAFKA_BROKERS'] ?? '');
    this.database = new pg.Pool({ connectionString: env['MIGRATION_DATABASE_URL'], max: 4 });
    // A test that stops Postgres breaks idle connections; the next query opens another.
    this.database.on('error', () => undefined);
    this.redis = new Redis(env['REDIS_URL'] ?? '', { lazyConnect: true });
    this.redis.on('error', () => undefined);
  }

  async open(): Promise<this> {
    await Promise.all([this.topics.connect(), this.redis.connect()]);
    return this;
  }

  async close(): Promise<void> {
    await Promise.all([this.topics.close(), this.database.end()]);
    this.redis.disconnect();
  }

  async advertiser({ balance = '1000' }: { balance?: string } = {}): Promise<Advertiser> {
    const id = uniqueId();
    await this.database.query('insert into advertisers (id, name, balance, opening_balance) values ($1, $2, $3, $3)', [
      id,
      `advertiser ${id}`,
      balance,
    ]);
    this.advertisers.add(id);
    return { id };
  }

  /** A campaign with its price in Redis, in the database, or (null) in neither. */
  async campaign(
    advertiser: Advertiser,
    {
      redisCpc = '0.50',
      cpc = null,
      dailyBudget = null,
    }: { redisCpc?: string | null; cpc?: string | null; dailyBudget?: string | null } = {},
  ): Promise<TestCampaign> {
    const id = uniqueId();
    await this.database.query(
      `insert into campaigns (id, advertiser_id, name, cpc, daily_budget, status) values ($1, $2, $3, $4, $5, 'ACTIVE')`,
      [id, advertiser.id, `campaign ${id}`, cpc, dailyBudget],
    );
    if (redisCpc !== null) await this.redis.set(`cpc:${id}`, redisCpc);
    return { id, advertiserId: advertiser.id };
  }

  produce(topic: string, records: readonly Produced[], options?: ProduceOptions) {
    return this.topics.produce(topic, records, options);
  }

  /** Every record that stands in the group's topic now is settled and committed. */
  settled(group: string, withinMs?: number): Promise<void> {
    const topic = TOPIC_OF[group];
    if (topic === undefined) throw new Error(`no topic is known for the group ${group}`);
    return this.topics.settled(group, topic, withinMs);
  }

  async balanceOf({ id }: Advertiser): Promise<string | undefined> {
    const { rows } = await this.database.query<{ balance: string }>(
      'select balance::text from advertisers where id = $1',
      [id],
    );
    return rows[0]?.balance;
  }

  async historyOf({ id }: Advertiser): Promise<History[]> {
    const { rows } = await this.database.query<History>(
      'select * from ad_balance_histories where advertiser_id = $1 order by id',
      [id],
    );
    return rows;
  }

  /** `duplicate_click_logs`, in the order of the postings. */
  async duplicatesOf({ id }: Advertiser): Promise<DuplicateClickLog[]> {
    const { rows } = await this.database.query<DuplicateClickLog>(
      'select * from duplicate_click_logs where advertiser_id = $1 order by history_id',
      [id],
    );
    return rows;
  }

  async dailySpendOf({
    id,
  }: TestCampaign): Promise<{ day: string; spent: string; clicks: string; refunded: string }[]> {
    const { rows } = await this.database.query<{ day: string; spent: string; clicks: string; refunded: string }>(
      'select day::text, spent, clicks, refunded from daily_spend where campaign_id = $1 order by day',
      [id],
    );
    return rows;
  }

  /** `campaigns` as it stands, dates as text. */
  async statusOf({ id }: TestCampaign): Promise<CampaignRow | undefined> {
    const { rows } = await this.database.query<CampaignRow>(
      `select status, status_reason, budget_paused_on::text, budget_paused_spent from campaigns where id = $1`,
      [id],
    );
    return rows[0];
  }

  async transitionsOf({ id }: TestCampaign): Promise<{ to_status: string; reason: string; announced: boolean }[]> {
    const { rows } = await this.database.query<{ to_status: string; reason: string; announced: boolean }>(
      'select to_status, reason, announced_at is not null as announced from campaign_transitions where campaign_id = $1 order by id',
      [id],
    );
    return rows;
  }

  /** The alerts about a campaign or an advertiser that stand in `alert-events`; the same `alertId` may be there again. */
  async alertsAbout({ id }: { readonly id: bigint }): Promise<Alert[]> {
    const mine = String(id);
    return (await this.alerts()).filter(({ subject }) => subject.campaignId === mine || subject.advertiserId === mine);
  }

  /** All that stand in `alert-events`; a test may have written there what is no alert. */
  async alerts(): Promise<Alert[]> {
    const values = (await this.topics.read('alert-events')).map(({ value }) => String(value));
    return values.filter((value) => value.startsWith('{')).map((value) => JSON.parse(value) as Alert);
  }

  /** The dead letters of a topic whose value, key or coordinates a test recognises as its own. */
  async deadLetters(topic: string, isMine: (record: ReadRecord) => boolean): Promise<ReadRecord[]> {
    return (await this.topics.read(`${topic}.dlq`)).filter(isMine);
  }

  /** `balance = opening_balance + Σ signed amounts`, and `balance_after` a chain in id order, for every advertiser made here. */
  async booksBalance(): Promise<void> {
    const { rows } = await this.database.query(
      `with signed as (
         select advertiser_id, id, balance_after, case type when 'DEDUCT' then -amount else amount end as amount
         from ad_balance_histories where advertiser_id = any($1::bigint[])
       ), chained as (
         select s.advertiser_id, s.id, s.balance_after - s.amount as before,
                coalesce(lag(s.balance_after) over (partition by s.advertiser_id order by s.id), a.opening_balance) as expected
         from signed s join advertisers a on a.id = s.advertiser_id
       )
       select advertiser_id::text, 'history ' || id as what, before::text as found, expected::text
       from chained where before <> expected
       union all
       select a.id::text, 'balance', a.balance::text, (a.opening_balance + coalesce(sum(s.amount), 0))::text
       from advertisers a left join signed s on s.advertiser_id = a.id
       where a.id = any($1::bigint[]) group by a.id
       having a.balance <> a.opening_balance + coalesce(sum(s.amount), 0)`,
      [[...this.advertisers]],
    );
    expect(rows, 'the books balance').toEqual([]);
  }
}

/** The Worker that all tests share, with what it says of itself. */
interface SharedWorker {
  readonly workerUrl: string;
  /** What `/metrics` has for a series, with its labels in the Worker's order; 0 where it has none. */
  metric(series: string): Promise<number>;
}

/** The shared stack with its shared, built Worker; the books balance after every test. */
export function useWorker(): World & SharedWorker {
  const { env, workerUrl } = inject('world');
  const metric = async (series: string): Promise<number> => {
    const page = await (await fetch(`${workerUrl}/metrics`)).text();
    const line = page.split('\n').find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length) ?? 0);
  };
  const world = Object.assign(new World(env), { workerUrl, metric });
  beforeAll(async () => {
    await world.open();
  });
  afterEach(() => world.booksBalance());
  afterAll(() => world.close());
  return world;
}
