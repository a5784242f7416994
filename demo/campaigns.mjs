// Who takes part: four advertisers, their campaigns and prices. Money is decimal text.

/**
 * @typedef {{ id: bigint, name: string, opening: string }} Advertiser
 *
 * @typedef {object} Campaign
 * @property {bigint} id
 * @property {Advertiser} advertiser
 * @property {string} name
 * @property {string} [redis] its price there
 * @property {string} [database] its price there
 * @property {string} [dailyBudget]
 * @property {number} share how many of nine clicks are its own
 * @property {string} note
 */

const coffee = { id: 101n, name: 'Northwind Coffee', opening: '2000' };
const travel = { id: 102n, name: 'Hanok Travel', opening: '3000' };
// Above 2^53: a program that reads ids as JavaScript numbers would charge somebody else.
const books = { id: 9_007_199_254_740_993n, name: 'Maple Books', opening: '75.5' };
const startup = { id: 104n, name: 'Tiny Startup', opening: '100' };

/** @type {Advertiser[]} */
export const advertisers = [coffee, travel, books, startup];

/** @type {Campaign[]} */
export const campaigns = [
  { id: 1001n, advertiser: coffee, name: 'Autumn beans', redis: '0.25', database: '0.2', share: 3, note: 'Redis wins' },
  {
    id: 1002n,
    advertiser: coffee,
    name: 'Gift cards',
    redis: '0.333333',
    database: '0.333333',
    share: 1,
    note: 'six decimal places',
  },
  { id: 1003n, advertiser: travel, name: 'Jeju weekend', redis: '1.1', database: '1.1', share: 2, note: '' },
  { id: 1004n, advertiser: travel, name: 'Seoul by night', share: 0, note: 'no price' },
  {
    id: 9_007_199_254_740_995n,
    advertiser: books,
    name: 'Winter reads',
    database: '0.015',
    share: 2,
    note: 'id 9007199254740995',
  },
  {
    id: 1005n,
    advertiser: startup,
    name: 'First ad',
    redis: '0.4',
    database: '0.4',
    share: 1,
    note: 'runs out of money',
  },
  {
    id: 1006n,
    advertiser: travel,
    name: 'Flash sale',
    redis: '2',
    database: '2',
    dailyBudget: '40',
    share: 0,
    note: 'a daily budget of 40',
  },
];

export const unpriced = campaigns.find(({ redis, database }) => !redis && !database);

/** @param {import('pg').Client} database as the owner @param {import('ioredis').Redis} redis */
export async function enterCampaigns(database, redis) {
  for (const { id, name, opening } of advertisers) {
    await database.query('insert into advertisers (id, name, balance, opening_balance) values ($1, $2, $3, $3)', [
      id,
      name,
      opening,
    ]);
  }
  for (const { id, advertiser, name, dailyBudget, ...price } of campaigns) {
    await database.query(
      'insert into campaigns (id, advertiser_id, name, cpc, daily_budget) values ($1, $2, $3, $4, $5)',
      [id, advertiser.id, name, price.database, dailyBudget],
    );
    if (price.redis) await redis.set(`cpc:${id}`, price.redis);
  }
}
