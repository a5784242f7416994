import kafkajs from 'kafkajs';
import { Redis } from 'ioredis';
import pg from 'pg';
import { until } from '../stack/polling.mjs';

export const ADVERTISERS = 2_000;
export const CAMPAIGNS = 10_000;
export const LOG_FILE = 'bench/worker.log';
const TOPIC = 'ad-events';
const REFUND_TOPIC = 'compensation-events';
/** The groups that are started anew for a measurement, and what they read. */
const GROUPS = { 'click-balance-processor': TOPIC, 'compensation-processor': REFUND_TOPIC };
const SEND_AT_ONCE = 5_000;
/** From a record's time to the transaction that has its row. */
export const RECORD_TO_ROW_MS = 'extract(epoch from created_at - recorded_at) * 1000';

/** A stack with advertisers, campaigns and prices, and the connections that all measurements share. */
export class Bed {
  /** @param {import('../stack/stack.mjs').Stack} stack */
  static async open(stack) {
    const bed = new Bed();
    bed.stack = stack;
    const kafka = new kafkajs.Kafka({ brokers: [stack.env.KAFKA_BROKERS], logLevel: kafkajs.logLevel.NOTHING });
    bed.database = new pg.Pool({ connectionString: stack.env.MIGRATION_DATABASE_URL, max: 4 });
    bed.admin = kafka.admin();
    bed.producer = kafka.producer({ allowAutoTopicCreation: false });
    await Promise.all([bed.admin.connect(), bed.producer.connect()]);
    await bed.#seed();
    return bed;
  }

  async close() {
    await Promise.all([this.admin.disconnect(), this.producer.disconnect(), this.database.end()]);
  }

  /** A click of the n-th campaign, as the ad server writes it. @param {number} n @param {string} eventId */
  click(n, eventId) {
    return this.clickOf(1 + (n % CAMPAIGNS), eventId);
  }

  /** @param {number} campaignId @param {string} eventId */
  clickOf(campaignId, eventId) {
    const advertiserId = 1 + ((campaignId - 1) % ADVERTISERS);
    const event = {
      eventType: 'CLICK',
      eventId,
      campaignId: String(campaignId),
      advertiserId: String(advertiserId),
      timestamp: new Date().toISOString(),
    };
    return { key: event.campaignId, value: JSON.stringify(event) };
  }

  /** The refund of the n-th campaign's click, as Flink writes it. @param {number} n @param {string} compensationId */
  refund(n, compensationId) {
    const campaignId = 1 + (n % CAMPAIGNS);
    const advertiserId = 1 + ((campaignId - 1) % ADVERTISERS);
    const event = {
      compensation_id: compensationId,
      campaign_id: String(campaignId),
      advertiser_id: String(advertiserId),
      original_event_id: `${compensationId}-original`,
      duplicate_event_id: `${compensationId}-duplicate`,
      refund_amount: '0.25',
      detected_at: new Date().toISOString().replace('T', ' ').replace('Z', ''),
    };
    return { key: event.advertiser_id, value: JSON.stringify(event) };
  }

  /** @param {{ key: string, value: string }[]} messages */
  async produce(messages, topic = TOPIC) {
    for (let at = 0; at < messages.length; at += SEND_AT_ONCE) {
      await this.producer.send({ topic, acks: 1, messages: messages.slice(at, at + SEND_AT_ONCE) });
    }
  }

  /** @param {number} count @param {string} prefix of their ids */
  async queueRefunds(count, prefix) {
    const refunds = Array.from({ length: count }, (_, n) => this.refund(n, `${prefix}-${n}`));
    await this.produce(refunds, REFUND_TOPIC);
  }

  /** The next Worker reads what comes from now on. */
  async startGroupsHere() {
    for (const [groupId, topic] of Object.entries(GROUPS)) {
      const ends = await this.admin.fetchTopicOffsets(topic);
      const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
      await this.admin.setOffsets({ groupId, topic, partitions });
    }
  }

  /** How many clicks are charged, by the days of the campaigns: counting histories would cost those that are measured. */
  async charged() {
    const { rows } = await this.database.query('select coalesce(sum(clicks), 0)::int as n from daily_spend');
    return rows[0].n;
  }

  async refunded() {
    const { rows } = await this.database.query('select count(*)::int as n from duplicate_click_logs');
    return rows[0].n;
  }

  /**
   * How long histories took, by the clocks of client and database, which are one here; `over` counts those above a second.
   *
   * @param {'event_id' | 'idempotency_key'} column
   * @param {string} prefix of what stands there
   */
  async recordToRow(column, prefix) {
    const { rows } = await this.database.query(
      `select percentile_disc(0.5) within group (order by ms)::float8 as p50,
              percentile_disc(0.95) within group (order by ms)::float8 as p95,
              percentile_disc(0.99) within group (order by ms)::float8 as p99,
              percentile_disc(0.999) within group (order by ms)::float8 as p999,
              max(ms)::float8 as most, count(*)::int as charged, (count(*) filter (where ms > 1000))::int as over
       from (select ${RECORD_TO_ROW_MS} as ms from ad_balance_histories where ${column} like $1 || '%') l`,
      [prefix],
    );
    return rows[0];
  }

  /** A race is not to pay for the statistics or the dead rows of the one before. */
  async tidy() {
    await this.database.query('vacuum analyze advertisers, campaigns, daily_spend, ad_balance_histories');
    await this.database.query('checkpoint');
  }

  /** @param {number} count @param {number} deadlineMs */
  async reach(count, deadlineMs) {
    await until(async () => (await this.charged()) >= count, { deadlineMs, waitingFor: `${count} charges` });
  }

  /** More campaigns, whose clicks cost 1, each with a budget of its own. */
  async addCampaigns(first, count, budgetOf) {
    const ids = Array.from({ length: count }, (_, i) => first + i);
    await this.database.query(
      `insert into campaigns (id, advertiser_id, name, cpc, daily_budget)
       select id, 1 + (id - 1) % $1::int, 'campaign ' || id, 1, budget from unnest($2::bigint[], $3::numeric[]) c (id, budget)`,
      [ADVERTISERS, ids, ids.map((_, i) => budgetOf(i))],
    );
    const redis = new Redis(this.stack.env.REDIS_URL);
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.set(`cpc:${id}`, '1');
    await pipeline.exec();
    redis.disconnect();
  }

  async #seed() {
    await this.database.query(
      `insert into advertisers (id, name, balance, opening_balance)
       select i, 'advertiser ' || i, 1e9, 1e9 from generate_series(1, $1::int) i`,
      [ADVERTISERS],
    );
    await this.database.query(
      `insert into campaigns (id, advertiser_id, name, cpc, daily_budget, status)
       select i, 1 + (i - 1) % $2::int, 'campaign ' || i, 0.25 + (i % 400) * 0.01, 1e9, 'ACTIVE'
       from generate_series(1, $1::int) i`,
      [CAMPAIGNS, ADVERTISERS],
    );
    const redis = new Redis(this.stack.env.REDIS_URL);
    const pipeline = redis.pipeline();
    for (let id = 1; id <= CAMPAIGNS; id++) pipeline.set(`cpc:${id}`, (0.25 + (id % 400) * 0.01).toFixed(2));
    await pipeline.exec();
    redis.disconnect();
  }
}
