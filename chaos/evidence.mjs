// What is there when all is over, as it was found: judge.mjs makes something of it.
import { execFile } from 'node:child_process';
import { projectFolder } from '../stack/places.mjs';
import { patiently } from './faults.mjs';
import { readTopic } from './topics.mjs';
import { ALERT_TOPIC, CLICK_TOPIC, REFUND_TOPIC } from './traffic.mjs';

/** Which group has to have read what to its end. */
const READERS = [
  { group: 'click-balance-processor', topic: CLICK_TOPIC },
  { group: 'compensation-processor', topic: REFUND_TOPIC },
  { group: 'notification-processor', topic: ALERT_TOPIC },
  ...[CLICK_TOPIC, REFUND_TOPIC, ALERT_TOPIC].map((topic) => ({ group: 'dlq-processor', topic: `${topic}.dlq` })),
];

const QUERIES = {
  histories: `select id::text, idempotency_key, advertiser_id::int, campaign_id::int, type, amount::text, balance_after::text,
                price_source, event_id, source_topic, source_partition, source_offset::text
              from ad_balance_histories h order by h.id`,
  advertisers: 'select id::int, balance::text, opening_balance::text from advertisers',
  campaigns: 'select id::int, status, status_reason, daily_budget::text from campaigns',
  days: 'select campaign_id::int, day::text, spent::text, clicks::int from daily_spend where clicks > 0',
  transitions: `select id::text, campaign_id::int, from_status, to_status, reason, details ->> 'day' as day,
                  announced_at is not null as announced
                from campaign_transitions t order by t.id`,
  letters: `select topic, partition, "offset"::text, record_timestamp::text as timestamp, group_id, error_code as code, value
            from dead_letters`,
  deliveries: 'select alert_id, status, grouped from notification_deliveries',
};

/**
 * @typedef {object} Offset
 * @property {string} group @property {string} topic @property {number} partition
 * @property {bigint} committed @property {bigint} end
 *
 * @param {import('./rig.mjs').Rig} rig
 * @returns {Promise<Offset[]>}
 */
export async function offsetsOf({ admin }) {
  /** @type {Offset[]} */
  const found = [];
  for (const { group, topic } of READERS) {
    const [[committed], ends] = await Promise.all([
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
      admin.fetchTopicOffsets(topic),
    ]);
    for (const { partition, low, high } of ends) {
      if (low === high && low === '0') continue; // nothing was ever there
      const at = committed.partitions.find((each) => each.partition === partition)?.offset ?? '-1';
      found.push({ group, topic, partition, committed: BigInt(at), end: BigInt(high) });
    }
  }
  return found;
}

/**
 * @typedef {Awaited<ReturnType<typeof gather>>} Evidence
 * @typedef {Record<string, unknown>} Row as Postgres gives it
 *
 * @param {import('./rig.mjs').Rig} rig
 * @param {import('./traffic.mjs').Traffic} traffic
 */
export async function gather(rig, { sent, raises }) {
  const rows = /** @type {Record<keyof typeof QUERIES, Row[]>} */ ({});
  for (const [name, sql] of Object.entries(QUERIES)) rows[name] = (await rig.database.query(sql)).rows;
  const { histories, advertisers, campaigns, days, transitions, letters, deliveries } = rows;
  const [clicks, refunds, alerts] = await Promise.all(
    [CLICK_TOPIC, REFUND_TOPIC, ALERT_TOPIC].map((topic) => patiently(() => readTopic(rig, topic))),
  );
  return {
    ...{ sent, raises, histories, advertisers, campaigns, days, transitions, letters, deliveries },
    records: [...clicks, ...refunds, ...alerts],
    removed: rig.removed,
    alerts: alerts.flatMap(({ value }) => readAlert(value)),
    offsets: await patiently(() => offsetsOf(rig)),
    reconcile: await cli(rig, 'reconcile'),
    accounts: [await account(rig, CLICK_TOPIC), await account(rig, REFUND_TOPIC)],
    today: rig.clock.dayOf(rig.clock.now()),
    dayOf: (ms) => rig.clock.dayOf(ms),
    complaints: [...rig.complaints],
    said: rig.said().filter(({ level }) => ['error', 'fatal', 'words'].includes(level)),
  };
}

/** @param {Buffer | null} value */
function readAlert(value) {
  const { alertId, type, subject = {}, details = {} } = JSON.parse(`${value}`);
  return alertId === undefined ? [] : [{ alertId, type, subject, details }];
}

/**
 * @param {import('./rig.mjs').Rig} rig @param {string} topic
 * @returns {Promise<{ topic: string, missing: string[], twice: string[], pending: number }>}
 */
async function account(rig, topic) {
  const { output } = await cli(rig, 'account-for', topic, '--json');
  return JSON.parse(output);
}

/** @param {import('./rig.mjs').Rig} rig @param {string[]} words @returns {Promise<{ code: number, output: string }>} */
function cli({ stack }, ...words) {
  const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL } = stack.env;
  const env = { PATH: process.env.PATH, KAFKA_BROKERS, DATABASE_URL, REDIS_URL };
  const options = { cwd: projectFolder, env, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(process.execPath, ['dist/src/cli/main.js', ...words], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout || stderr });
    });
  });
}
