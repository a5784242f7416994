import { advertisers, campaigns } from './campaigns.mjs';
import { millionths } from './money.mjs';
import { AD_EVENTS } from './topics.mjs';

/**
 * @typedef {object} Charges money in millionths
 * @property {import('./campaigns.mjs').Campaign} campaign
 * @property {'redis' | 'database'} source where its price came from
 * @property {number} clicks
 * @property {bigint} charged
 *
 * @typedef {{ advertiser: import('./campaigns.mjs').Advertiser, balance: bigint, charges: Charges[] }} Account
 */

/** The tables as an operator sees them. */
export class Ledger {
  #database;

  /** @param {import('pg').Client} database as the owner */
  constructor(database) {
    this.#database = database;
  }

  /** @returns {Promise<Account[]>} */
  async accounts() {
    const balances = await this.#ask('select id, balance from advertisers');
    const rows = await this.#ask(`
      select campaign_id as campaign, price_source as source, count(*)::int as clicks, sum(amount) as charged
      from ad_balance_histories where type = 'DEDUCT' group by campaign_id, price_source
    `);
    return advertisers.map((advertiser) => {
      const { balance } = balances.find(({ id }) => id === `${advertiser.id}`);
      const own = campaigns.filter((campaign) => campaign.advertiser === advertiser);
      const charges = own.flatMap((campaign) => {
        const found = rows.filter((row) => row.campaign === `${campaign.id}`);
        return found.map((row) => ({ ...row, campaign, charged: millionths(row.charged) }));
      });
      return { advertiser, balance: millionths(balance), charges };
    });
  }

  /** The youngest, oldest first. @param {import('./campaigns.mjs').Advertiser} advertiser @param {number} limit */
  async lastHistories({ id }, limit) {
    const sql = `${HISTORY} where advertiser_id = $1 order by id desc limit $2`;
    return (await this.#ask(sql, [id, limit])).reverse();
  }

  /** @param {string} prefix of their event ids */
  histories(prefix) {
    return this.#ask(`${HISTORY} where starts_with(event_id, $1) order by event_id, id`, [`${prefix}-`]);
  }

  /** What was paid back, in order. */
  refunds() {
    return this.#ask(`
      select l.compensation_id, l.duplicate_event_id, h.advertiser_id, h.amount, h.balance_after
      from duplicate_click_logs l join ad_balance_histories h on h.id = l.history_id
      order by h.id
    `);
  }

  /** How many clicks with such event ids are charged, and how many different records they came in. @param {string} prefix */
  async charged(prefix) {
    const [row] = await this.#ask(
      `select count(*)::int as charges, count(distinct (source_topic, source_partition, source_offset))::int as records
       from ad_balance_histories where starts_with(event_id, $1)`,
      [`${prefix}-`],
    );
    return row;
  }

  /** From the first record's timestamp to the last row. */
  async burstSeconds() {
    const sql = 'select extract(epoch from max(created_at) - min(recorded_at))::float8 as seconds';
    return (await this.#ask(`${sql} from ad_balance_histories where source_topic = $1`, [AD_EVENTS]))[0].seconds;
  }

  /** From a record's timestamp to its row, in milliseconds. @param {string} prefix of the event ids */
  async latency(prefix) {
    const [{ ms }] = await this.#ask(
      `select percentile_cont(array[0.5, 0.99]) within group (
         order by (extract(epoch from created_at - recorded_at) * 1000)::float8) as ms
       from ad_balance_histories where starts_with(event_id, $1)`,
      [`${prefix}-`],
    );
    return { p50: ms[0], p99: ms[1] };
  }

  /** What a campaign has spent on its latest day, and whether it runs. @param {import('./campaigns.mjs').Campaign} campaign */
  async campaignToday({ id }) {
    const [row] = await this.#ask(
      `select d.clicks::int as clicks, d.spent::numeric(20, 2)::text as spent, c.status
       from campaigns c join daily_spend d on d.campaign_id = c.id where c.id = $1 order by d.day desc limit 1`,
      [id],
    );
    return row;
  }

  /** An operator enters a price. @param {import('./campaigns.mjs').Campaign} campaign @param {string} price */
  async setPrice({ id }, price) {
    await this.#ask('update campaigns set cpc = $2 where id = $1', [id, price]);
  }

  /** How many clicks a campaign has been charged. @param {import('./campaigns.mjs').Campaign} campaign */
  async clicksOf({ id }) {
    const sql = "select count(*)::int as clicks from ad_balance_histories where type = 'DEDUCT' and campaign_id = $1";
    return (await this.#ask(sql, [id]))[0].clicks;
  }

  async #ask(sql, values) {
    return (await this.#database.query(sql, values)).rows;
  }
}

const HISTORY = `
  select id, advertiser_id, campaign_id, amount, balance_after, price_source, event_id,
         source_topic || '/' || source_partition || '@' || source_offset as record
  from ad_balance_histories`;
