import kafkajs, { type PartitionAssigner } from 'kafkajs';
import type { TopicPartition } from './observer.js';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/** kafkajs's own; members that speak of different assigners cannot be in one group, not even during a roll-out. */
const NAME = 'RoundRobinAssigner';
const VERSION = 0;

export interface Subscriber {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/**
 * Shares a group's partitions out in turn, each to a member that has subscribed to its topic. kafkajs's own assigner goes by
 * the topics of the leader alone: while replicas of two versions run, a topic that only the newer ones know would be read
 * by nobody, or given to one that ignores it.
 */
export const subscribedAssigner: PartitionAssigner = ({ cluster }) => ({
  name: NAME,
  version: VERSION,
  protocol: ({ topics }) => ({
    name: NAME,
    metadata: MemberMetadata.encode({ version: VERSION, topics, userData: NONE }),
  }),
  assign: async ({ members }) => {
    const subscribers = members.map(({ memberId, memberMetadata }) => ({ memberId, topics: topicsOf(memberMetadata) }));
    const topics = [...new Set(subscribers.flatMap((each) => each.topics))].sort();
    // The leader may not have subscribed to all of them.
    await cluster.addMultipleTargetTopics(topics);
    const partitions = topics.flatMap((topic) =>
      cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partition: partitionId })),
    );
    return [...shareOut(partitions, subscribers)].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData: NONE }),
    }));
  },
});

const NONE = Buffer.alloc(0);

/** What a member has subscribed to, by what it said when it joined. */
export function topicsOf(memberMetadata: Buffer): string[] {
  return MemberMetadata.decode(memberMetadata)?.topics ?? [];
}

/** Each partition goes to the one of its topic's subscribers that has the fewest so far: in turn, where all read the same. */
export function shareOut(
  partitions: readonly TopicPartition[],
  subscribers: readonly Subscriber[],
): Map<string, Record<string, number[]>> {
  const shares = subscribers
    .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map(({ memberId, topics }) => ({
      memberId,
      topics,
      count: 0,
      assignment: Object.create(null) as Record<string, number[]>,
    }));
  for (const { topic, partition } of partitions) {
    const [first, ...others] = shares.filter(({ topics }) => topics.includes(topic));
    if (first === undefined) continue;
    const next = others.reduce((least, each) => (each.count < least.count ? each : least), first);
    next.count++;
    (next.assignment[topic] ??= []).push(partition);
  }
  return new Map(shares.map(({ memberId, assignment }) => [memberId, assignment]));
}
