import pg from 'pg';
import { ADVERTISERS, CAMPAIGNS } from './bed.mjs';
import { CONNECTIONS, GROUP_SIZE } from './ceiling.mjs';

const INSERT = `
  with click as (
    select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::numeric[]) c (key, advertiser_id, campaign_id, amount)
  ), charged as (
    update bare.balances b set balance = balance - d.due
    from (select advertiser_id, sum(amount) as due from click group by advertiser_id order by advertiser_id) d
    where b.advertiser_id = d.advertiser_id
  )
  insert into bare.histories (key, advertiser_id, campaign_id, amount) select * from click`;

/**
 * The least that charging clicks could be: a row with a unique key, and a balance. No running balance, no daily spend, nothing checked.
 * From a client that does nothing else, over as many connections and in as large groups as the posting function alone.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {number} events
 * @returns {Promise<number>} clicks a second
 */
export async function bareInsert(bed, events) {
  await makeTables(bed);
  const groups = Array.from({ length: CONNECTIONS }, (_, lane) => groupsOf(lane, events));
  const clients = groups.map(() => new pg.Client({ connectionString: bed.stack.env.MIGRATION_DATABASE_URL }));
  await Promise.all(clients.map((client) => client.connect()));
  const begin = performance.now();
  await Promise.all(clients.map((client, lane) => insertAll(client, groups[lane])));
  const rate = (events * 1_000) / (performance.now() - begin);
  await Promise.all(clients.map((client) => client.end()));
  await bed.database.query('drop schema bare cascade');
  return rate;
}

async function makeTables(bed) {
  await bed.database.query(`
    create schema bare;
    create table bare.histories (
      id bigint generated always as identity primary key,
      key text not null unique,
      advertiser_id bigint not null,
      campaign_id bigint not null,
      amount numeric(20, 6) not null,
      created_at timestamptz not null default now()
    );
    create table bare.balances (advertiser_id bigint primary key, balance numeric(20, 6) not null) with (fillfactor = 50);
    insert into bare.balances select i, 1e9 from generate_series(1, ${ADVERTISERS}) i;`);
  await bed.database.query('vacuum analyze bare.balances');
  await bed.database.query('checkpoint');
}

/** Each advertiser on one connection, as in the lanes. */
function groupsOf(lane, events) {
  const groups = [];
  let group = [];
  for (let n = 0; n < events; n++) {
    const campaignId = 1 + (n % CAMPAIGNS);
    const advertiserId = 1 + ((campaignId - 1) % ADVERTISERS);
    if (advertiserId % CONNECTIONS !== lane) continue;
    group.push([`record:bare:0:${n}:0`, advertiserId, campaignId, '0.75']);
    if (group.length === GROUP_SIZE) groups.push(columns(group.splice(0)));
  }
  if (group.length > 0) groups.push(columns(group));
  return groups;
}

function columns(group) {
  return [0, 1, 2, 3].map((column) => `{${group.map((click) => click[column]).join(',')}}`);
}

async function insertAll(client, groups) {
  for (const values of groups) await client.query({ name: 'bare-insert', text: INSERT, values });
}
