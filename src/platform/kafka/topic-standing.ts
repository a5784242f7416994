import { beganAfter, type GroupStart } from './group-starts.js';
import { createKafka, withAdmin, type KafkaConnection } from './kafka-client.js';

/** How a group stands in a partition. */
export interface PartitionStanding {
  readonly partition: number;
  /** The first offset that is still there, and the one that the next record gets. */
  readonly low: number;
  readonly high: number;
  /** The group's commit; undefined where it has none. */
  readonly committed: number | undefined;
  /** The first offset of the time asked for, `high` where there is none; undefined where none was asked for. */
  readonly firstSince: number | undefined;
  /** Where the group began; undefined where that is not recorded, or of an older topic of that name. */
  readonly start: number | undefined;
}

/**
 * Asks for the commits first: all that was settled before them is settled in whatever is looked at afterwards.
 *
 * @throws Error where there is no such topic, and the client's error when no broker answers
 */
export function topicStanding(
  connection: KafkaConnection,
  group: string,
  topic: string,
  starts: ReadonlyMap<number, GroupStart>,
  since?: Date,
): Promise<PartitionStanding[]> {
  return withAdmin(createKafka(connection, 'click-worker-cli'), async (admin) => {
    if (!(await admin.listTopics()).includes(topic)) throw new Error(`there is no topic ${topic}`);
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    const commits = new Map(
      (offsets?.partitions ?? []).flatMap(({ partition, offset }) =>
        Number(offset) < 0 ? [] : [[partition, Number(offset)]],
      ),
    );
    const ends = await admin.fetchTopicOffsets(topic);
    const firsts = since === undefined ? [] : await admin.fetchTopicOffsetsByTimestamp(topic, since.getTime());
    const firstSince = new Map(firsts.map(({ partition, offset }) => [partition, Number(offset)]));
    const standings = ends.map(async (end): Promise<PartitionStanding> => {
      const { partition } = end;
      const [low, high] = [Number(end.low), Number(end.high)];
      const start = starts.get(partition);
      // As `GroupStarts` sees it: what began below a start, and after it, is another topic.
      const isOutdated =
        start !== undefined && start.offset > low && (await beganAfter(admin, topic, partition, low, start.decidedAt));
      return {
        ...{ partition, low, high },
        committed: commits.get(partition),
        firstSince: firstSince.get(partition),
        start: isOutdated ? undefined : start?.offset,
      };
    });
    return (await Promise.all(standings)).toSorted((a, b) => a.partition - b.partition);
  });
}

export function topicExists(connection: KafkaConnection, topic: string): Promise<boolean> {
  return withAdmin(createKafka(connection, 'click-worker-cli'), async (admin) =>
    (await admin.listTopics()).includes(topic),
  );
}
