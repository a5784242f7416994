import { Logger } from '@nestjs/common';
import type { Admin, Kafka } from 'kafkajs';
import type { GroupStarts } from './group-starts.js';
import { withAdmin } from './kafka-client.js';
import type { LostOffsets, TopicPartition } from './observer.js';
import { ADDED_LATER, startPosition, type StartPosition } from './start-position.js';

export interface AssignedStart extends TopicPartition {
  readonly offset: number;
  readonly committed: number;
  readonly high: number;
}

/** Where a group starts in the partitions of its topics, as `GroupStarts` has decided it. */
export type RecordedStarts = ReadonlyMap<string, Map<number, number>>;

/** Finds out where each newly assigned partition is to be read from, and what was lost before. */
export class AssignmentStarts {
  private readonly logger = new Logger(AssignmentStarts.name);

  constructor(
    private readonly kafka: Kafka,
    private readonly group: string,
    private readonly starts: GroupStarts,
    private readonly recorded: RecordedStarts,
    private readonly lost: (lost: LostOffsets) => void,
  ) {}

  async of(assignment: Readonly<Record<string, number[]>>): Promise<AssignedStart[]> {
    const topics = Object.entries(assignment);
    if (topics.length === 0) return [];
    return withAdmin(this.kafka, async (admin) => {
      const starts = topics.map(([topic, partitions]) => this.look(admin, topic, partitions));
      return (await Promise.all(starts)).flat();
    });
  }

  private async look(admin: Admin, topic: string, partitions: readonly number[]): Promise<AssignedStart[]> {
    const { commits, ends } = await this.offsets(admin, topic);
    const starts: AssignedStart[] = [];
    for (const partition of partitions) {
      const end = ends.get(partition);
      if (end === undefined) throw new Error(`${topic}:${partition} is assigned but the broker does not know it`);
      const committed = commits.get(partition);
      const recordedStart = this.recorded.get(topic)?.get(partition);
      const isDoubtful = committed === undefined && recordedStart !== undefined && recordedStart > end.low;
      const isOutdated = isDoubtful && (await this.starts.isOutdated(admin, this.group, topic, partition, end.low));
      const position: StartPosition = isOutdated
        ? { offset: end.low, rewound: true }
        : startPosition({ committed, recordedStart, ...end });
      if (committed === undefined && recordedStart === undefined) {
        await this.starts.record(this.group, topic, partition, ADDED_LATER);
        this.recorded.get(topic)?.set(partition, ADDED_LATER);
      }
      if (position.lostFrom !== undefined) this.report(topic, partition, position.lostFrom, position.offset);
      if (position.rewound) {
        const known = { topic, partition, committed, recordedStart, ...end };
        this.logger.warn({ msg: 'the topic was made anew: it is read from its first record', ...known });
      }
      // A commit from beyond the end would keep the next ones back until they have caught up with it.
      const standing = position.rewound ? -1 : (committed ?? -1);
      starts.push({ topic, partition, offset: position.offset, committed: standing, high: end.high });
    }
    return starts;
  }

  /** Whether a jump from `expected` to `found` was retention; other gaps (transactions, compaction) are normal. */
  async checkGap(topic: string, partition: number, expected: number, found: number): Promise<void> {
    const ends = await withAdmin(this.kafka, (admin) => admin.fetchTopicOffsets(topic));
    const low = Number(ends.find((end) => end.partition === partition)?.low ?? 0);
    if (low > expected) this.report(topic, partition, expected, Math.min(low, found));
  }

  private report(topic: string, partition: number, from: number, to: number): void {
    this.lost({ group: this.group, topic, partition, from, to });
  }

  private async offsets(
    admin: Admin,
    topic: string,
  ): Promise<{ commits: Map<number, number>; ends: Map<number, { low: number; high: number }> }> {
    const [ends, [committed]] = await Promise.all([
      admin.fetchTopicOffsets(topic),
      admin.fetchOffsets({ groupId: this.group, topics: [topic] }),
    ]);
    const commits = (committed?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)] as const);
    return {
      commits: new Map(commits.filter(([, offset]) => offset >= 0)),
      ends: new Map(ends.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }])),
    };
  }
}
