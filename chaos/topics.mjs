// Topics as they stand there.
import { randomUUID } from 'node:crypto';
import { SENT_HEADER } from './traffic.mjs';

/**
 * @typedef {object} Standing a record where it stands
 * @property {string} topic
 * @property {number} partition
 * @property {string} offset
 * @property {string} timestamp
 * @property {string | undefined} sent which of those that the traffic sent; undefined where somebody else did
 * @property {Buffer | null} value
 */

/**
 * All that stands in a topic, or in one partition of it.
 *
 * @param {import('./rig.mjs').Rig} rig
 * @param {string} topic
 * @param {number} [only] partition
 * @returns {Promise<Standing[]>}
 */
export async function readTopic({ kafka, admin }, topic, only) {
  const ends = await admin.fetchTopicOffsets(topic);
  const wanted = ends.filter(({ partition, low, high }) => low !== high && partition === (only ?? partition));
  const left = new Map(wanted.map(({ partition, high }) => [partition, BigInt(high)]));
  /** @type {Standing[]} */
  const found = [];
  if (left.size === 0) return found;
  const consumer = kafka.consumer({ groupId: `chaos-${randomUUID()}`, maxWaitTimeInMs: 100, retry: { retries: 20 } });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
      const run = consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch: { partition, messages }, resolveOffset }) => {
          const end = left.get(partition);
          for (const message of messages) {
            if (end !== undefined && BigInt(message.offset) < end) found.push(standing(topic, partition, message));
            if (end !== undefined && BigInt(message.offset) + 1n >= end) left.delete(partition);
            resolveOffset(message.offset);
          }
          if (left.size === 0) resolve(undefined);
        },
      });
      run.catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return found;
}

/** @param {string} topic @param {number} partition @param {import('kafkajs').KafkaMessage} message @returns {Standing} */
function standing(topic, partition, { offset, timestamp, headers, value }) {
  return { topic, partition, offset, timestamp, sent: headers?.[SENT_HEADER]?.toString(), value };
}
