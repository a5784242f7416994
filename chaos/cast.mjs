// Who advertises: advertisers and campaigns of every kind that a budget or a balance can make a difference to.

/**
 * @typedef {object} Campaign
 * @property {number} id
 * @property {number} advertiserId
 * @property {string | null} redisPrice
 * @property {string | null} databasePrice differs from Redis's, so that each charge shows where its price came from
 * @property {string | null} budget
 * @property {'plain' | 'small' | 'raised' | 'watched' | 'unpriced'} part
 *   `small` ones use their budgets up, `raised` ones get another one then, `watched` ones stop short of it
 */

const ADVERTISERS = 12;
const PER_ADVERTISER = 5;
/** Their balances are used up by the traffic. */
const POOR = new Map([
  [3, '5'],
  [7, '150'],
]);
/** How many clicks a small budget is good for, and how many of them a watched campaign gets. */
export const CLICKS_OF_BUDGET = 20;
export const CLICKS_OF_WATCHED = 19;

export const advertisers = Array.from({ length: ADVERTISERS }, (_, i) => ({
  id: i + 1,
  balance: POOR.get(i + 1) ?? '1000000',
}));

const PARTS = /** @type {const} */ (['plain', 'plain', 'small', 'raised', 'watched']);

/** @type {readonly Campaign[]} */
export const campaigns = advertisers.flatMap(({ id: advertiserId }) =>
  Array.from({ length: PER_ADVERTISER }, (_, i) => campaignOf(100 * advertiserId + i, advertiserId, PARTS[i])),
);

/** Its clicks have no price anywhere. @type {Campaign} */
export const unpriced = {
  ...campaignOf(9_000, 1, 'unpriced'),
  ...{ redisPrice: null, databasePrice: null, budget: null },
};

/** @param {number} id @param {number} advertiserId @param {Campaign['part']} part @returns {Campaign} */
function campaignOf(id, advertiserId, part) {
  const cents = 25 + (id % 97);
  const budget = part === 'plain' ? null : ((cents * CLICKS_OF_BUDGET) / 100).toFixed(2);
  const redisPrice = (cents / 100).toFixed(2);
  // Where the budget is to hold to the click, both say the same.
  const databasePrice = part === 'plain' ? ((cents + 1) / 100).toFixed(2) : redisPrice;
  return { id, advertiserId, redisPrice, databasePrice, budget, part };
}

/** @param {import('pg').Pool} database */
export async function settle(database) {
  await database.query(
    `insert into advertisers (id, name, balance, opening_balance)
     select id, 'advertiser ' || id, balance, balance from unnest($1::bigint[], $2::numeric[]) a (id, balance)`,
    [advertisers.map(({ id }) => id), advertisers.map(({ balance }) => balance)],
  );
  const all = [...campaigns, unpriced];
  await database.query(
    `insert into campaigns (id, advertiser_id, name, cpc, daily_budget)
     select id, advertiser_id, 'campaign ' || id, cpc, budget
     from unnest($1::bigint[], $2::bigint[], $3::numeric[], $4::numeric[]) c (id, advertiser_id, cpc, budget)`,
    [
      all.map(({ id }) => id),
      all.map(({ advertiserId }) => advertiserId),
      all.map(({ databasePrice }) => databasePrice),
      all.map(({ budget }) => budget),
    ],
  );
}

/** What Redis has to have. @returns {Record<string, string>} */
export function prices() {
  return Object.fromEntries(campaigns.map(({ id, redisPrice }) => [`cpc:${id}`, `${redisPrice}`]));
}
