import { setTimeout as pause } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { DEAD_LETTER_SUFFIX, RETRY_SUFFIX } from './dead-letter.js';
import { TRANSPORT_LIMITS } from './limits.js';

const KEEP_FOR_EVER = '-1';
/** Partitions of a topic that the Worker makes without an origin to copy them from. */
const OWN_TOPIC_PARTITIONS = 3;
const LOOK_AGAIN_MS = 100;

/** Dead letters have neither dead letters nor replays of their own: a handler of theirs tries until it succeeds. */
export function isDeadLetterTopic(topic: string): boolean {
  return topic.endsWith(DEAD_LETTER_SUFFIX);
}

/** Made for another topic, as its `.dlq` or `.retry`, by the group that reads that one. */
export function isCompanion(topic: string): boolean {
  return isDeadLetterTopic(topic) || topic.endsWith(RETRY_SUFFIX);
}

/** Topics that the Worker writes itself: it makes them, and a new group reads them from their first record. */
export function isOwnTopic(topic: string, ownTopics: readonly string[]): boolean {
  return ownTopics.includes(topic) || isCompanion(topic);
}

/** The topic that a record's dead letters and replays are named after. */
export function originTopic(topic: string): string {
  return topic.endsWith(RETRY_SUFFIX) ? topic.slice(0, -RETRY_SUFFIX.length) : topic;
}

/** How many partitions a topic has; undefined where there is none of that name. */
export async function partitionCount(admin: Admin, topic: string): Promise<number | undefined> {
  if (!(await admin.listTopics()).includes(topic)) return undefined;
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length;
}

/** Makes `<topic>.dlq` and `<topic>.retry` where they are missing: as many partitions, kept for ever, larger records. */
export async function createCompanions(admin: Admin, topic: string, partitions: number): Promise<void> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['max.message.bytes'] }],
  });
  const configured = resources[0]?.configEntries.find(({ configName }) => configName === 'max.message.bytes');
  const maxBytes = Number(configured?.configValue ?? 1_048_588) + TRANSPORT_LIMITS.deadLetterHeadroomBytes;
  const configEntries = [
    { name: 'retention.ms', value: KEEP_FOR_EVER },
    { name: 'retention.bytes', value: KEEP_FOR_EVER },
    { name: 'max.message.bytes', value: String(maxBytes) },
  ];
  await createMissing(admin, [topic + DEAD_LETTER_SUFFIX, topic + RETRY_SUFFIX], partitions, configEntries);
}

/** Makes a topic of the Worker's own where it is missing; returns how many partitions it has. */
export async function ensureOwnTopic(admin: Admin, topic: string): Promise<number> {
  for (;;) {
    const count = await partitionCount(admin, topic);
    if (count !== undefined) return count;
    await createMissing(admin, [topic], OWN_TOPIC_PARTITIONS);
    await pause(LOOK_AGAIN_MS); // made is not yet known to every broker
  }
}

/** Makes topics that are not there yet; another replica may be quicker. */
async function createMissing(
  admin: Admin,
  topics: readonly string[],
  numPartitions: number,
  configEntries: { name: string; value: string }[] = [],
): Promise<void> {
  const existing = await admin.listTopics();
  for (const topic of topics.filter((each) => !existing.includes(each))) {
    await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
  }
}
