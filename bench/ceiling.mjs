import pg from 'pg';
import { postGroup } from '../dist/src/ledger/post-group.sql.js';
import { ADVERTISERS, CAMPAIGNS } from './bed.mjs';

const CONNECTIONS = 3;
const GROUP_SIZE = 500;

/**
 * How many clicks a second the posting function takes from a client that does nothing else: three connections, 500 clicks
 * a call, each advertiser always on the same connection.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {number} events
 */
export async function ceiling(bed, events) {
  await bed.tidy();
  const run = `bench-${process.hrtime.bigint()}`;
  const lanes = Array.from({ length: CONNECTIONS }, () => []);
  for (let n = 0; n < events; n++) {
    const campaignId = 1 + (n % CAMPAIGNS);
    const advertiserId = 1 + ((campaignId - 1) % ADVERTISERS);
    lanes[advertiserId % CONNECTIONS].push(posting(run, n, BigInt(campaignId), BigInt(advertiserId)));
  }
  const clients = lanes.map(() => new pg.Client({ connectionString: bed.stack.env.DATABASE_URL }));
  await Promise.all(clients.map((client) => client.connect()));
  const begin = performance.now();
  await Promise.all(lanes.map((postings, i) => postAll(clients[i], postings)));
  const rate = (events * 1_000) / (performance.now() - begin);
  await Promise.all(clients.map((client) => client.end()));
  return { rate };
}

async function postAll(client, postings) {
  for (let at = 0; at < postings.length; at += GROUP_SIZE) {
    await postGroup(client, postings.slice(at, at + GROUP_SIZE), { budgetTimezone: 'Asia/Seoul', lockWaitMs: 50 });
  }
}

function posting(run, n, campaignId, advertiserId) {
  return {
    type: 'DEDUCT',
    idempotencyKey: `record:${run}:0:${n}:0`,
    advertiserId,
    campaignId,
    amount: '0.75',
    priceSource: 'redis',
    eventId: `${run}-${n}`,
    origin: { topic: run, partition: 0, offset: BigInt(n), timestamp: Date.now() },
  };
}
