import pg from 'pg';
import { chargeGroup } from '../dist/src/ledger/charge-group.sql.js';
import { ADVERTISERS, CAMPAIGNS } from './bed.mjs';
import { median } from './results.mjs';

export const CONNECTIONS = 3;
export const GROUP_SIZE = 500;
const SINGLES = 300;
const OPTIONS = { budgetTimezone: 'Asia/Seoul', lockWaitMs: 10_000 };

/**
 * How many clicks a second the posting function takes from a client that does nothing else: three connections, 500 clicks
 * a call, each advertiser always on the same connection.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {number} events
 */
export async function ceiling(bed, events) {
  await bed.tidy();
  const lanes = Array.from({ length: CONNECTIONS }, () => []);
  for (const click of clicks(events)) lanes[Number(click.advertiserId) % CONNECTIONS].push(click);
  const { ms } = await chargeOver(bed, lanes, GROUP_SIZE);
  return (events * 1_000) / ms;
}

/** How long the posting function takes for a single click, in milliseconds. @param {import('./bed.mjs').Bed} bed */
export async function oneAlone(bed) {
  await bed.tidy();
  const { calls } = await chargeOver(bed, [clicks(SINGLES)], 1);
  return median(calls);
}

/**
 * Charges each lane's clicks over a connection of its own, all at the same time.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {object[][]} lanes
 * @param {number} groupSize
 * @returns {Promise<{ ms: number, calls: number[] }>} how long all and how long each call took
 */
export async function chargeOver(bed, lanes, groupSize) {
  const clients = lanes.map(() => new pg.Client({ connectionString: bed.stack.env.DATABASE_URL }));
  await Promise.all(clients.map((client) => client.connect()));
  const begin = performance.now();
  const calls = await Promise.all(lanes.map((lane, i) => chargeAll(clients[i], lane, groupSize)));
  const ms = performance.now() - begin;
  await Promise.all(clients.map((client) => client.end()));
  return { ms, calls: calls.flat() };
}

async function chargeAll(client, lane, groupSize) {
  const calls = [];
  for (let at = 0; at < lane.length; at += groupSize) {
    const from = performance.now();
    await chargeGroup(client, lane.slice(at, at + groupSize), OPTIONS);
    calls.push(performance.now() - from);
  }
  return calls;
}

/** New clicks, of each campaign in turn. @param {number} count @param {number} [campaigns] of so many campaigns alone */
export function clicks(count, campaigns = CAMPAIGNS) {
  const run = `bench-${process.hrtime.bigint()}`;
  return Array.from({ length: count }, (_, n) => {
    const campaignId = 1 + (n % campaigns);
    const advertiserId = 1 + ((campaignId - 1) % ADVERTISERS);
    return {
      type: 'DEDUCT',
      idempotencyKey: `record:${run}:0:${n}:0`,
      advertiserId: BigInt(advertiserId),
      campaignId: BigInt(campaignId),
      amount: '0.75',
      priceSource: 'redis',
      eventId: `${run}-${n}`,
      origin: { topic: run, partition: 0, offset: BigInt(n), timestamp: Date.now() },
    };
  });
}
