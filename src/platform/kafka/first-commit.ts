import type { ConsumerCrashEvent, Kafka } from 'kafkajs';
import { topicsOf } from './subscribed-assigner.js';

/** kafkajs waits so long for the end of a fetch that fetches nothing. */
const FETCH_WAIT_MS = 50;

/**
 * Commits offsets for a group that has no member yet, by joining it for a moment: what `admin.setOffsets` does too, but
 * that sits through a fetch of five seconds.
 *
 * Members that do not read this topic (replicas of the version before) keep that from being done, and need not leave for it:
 * none of them can move on in it, and whoever reads it next goes by the start that is recorded.
 *
 * @throws Error where the group has members that read the topic: they would not hear of these offsets
 */
export async function commitFirst(
  kafka: Kafka,
  group: string,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  const consumer = kafka.consumer({
    groupId: group,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    retry: { retries: 3, initialRetryTime: 100, restartOnFailure: () => Promise.resolve(false) },
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    const { state, members } = await consumer.describeGroup();
    // In any other state the broker does not say what its members read.
    if (state === 'Stable' && !members.some(({ memberMetadata }) => topicsOf(memberMetadata).includes(topic))) return;
    if (state !== 'Empty' && state !== 'Dead') throw new Error(`group ${group} has members (${state})`);
    const joined = new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.GROUP_JOIN, () => {
        resolve();
      });
      consumer.on(consumer.events.CRASH, ({ payload }: ConsumerCrashEvent) => {
        reject(payload.error);
      });
    });
    // Pausing right after the join comes before the first fetch.
    const paused = joined.then(() => {
      consumer.pause([{ topic }]);
    });
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    await paused;
    await consumer.commitOffsets(
      [...offsets].map(([partition, offset]) => ({ topic, partition, offset: `${offset}` })),
    );
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}
