import type { ConsumerCrashEvent, Kafka } from 'kafkajs';

/** kafkajs waits so long for the end of a fetch that fetches nothing. */
const FETCH_WAIT_MS = 50;

/**
 * Commits offsets for a group that has no member yet, by joining it for a moment: what `admin.setOffsets` does too, but
 * that sits through a fetch of five seconds.
 *
 * @throws Error where the group has members: they would not hear of these offsets
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
    const { state } = await consumer.describeGroup();
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
