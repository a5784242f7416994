import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type QueryRunner } from 'typeorm';
import type { Admin, Kafka } from 'kafkajs';
import { DatabaseLifecycle } from '../database/database-lifecycle.js';
import { commitFirst } from './first-commit.js';

/** Any number that nobody else locks by; the group is the second half of the key. */
const LOCK_SPACE = 0x6b61;

export interface StartRow {
  readonly partition: number;
  readonly start_offset: string;
  readonly decided_at: Date;
}

/**
 * Decides once, for all replicas, where a group that has never run begins, and records it in `group_starts`. Without that
 * a crash before the first commit, or a second replica, would begin at a later end and lose what came between.
 */
@Injectable()
export class GroupStarts {
  private readonly logger = new Logger(GroupStarts.name);

  constructor(
    private readonly database: DataSource,
    private readonly lifecycle: DatabaseLifecycle,
  ) {}

  /**
   * Must have run before a member joins that reads the topic. A start at the end is committed too, which Kafka allows only
   * while the group has no member: it is to hold for whoever looks at the group from outside, and when clocks disagree
   * (see `isOutdated`). A start at the first record needs no commit, so members that are there already do not matter:
   * replicas that run a version without this topic, say.
   *
   * @returns the recorded first offset of each partition
   */
  async decide(
    { kafka, admin }: { kafka: Kafka; admin: Admin },
    group: string,
    topic: string,
    from: 'latest' | 'earliest',
  ): Promise<Map<number, number>> {
    await this.lifecycle.ready();
    const runner = this.database.createQueryRunner();
    try {
      await runner.connect();
      await runner.query('select pg_advisory_lock($1, hashtext($2))', [LOCK_SPACE, group]);
      const known = await startsOf((sql, values) => runner.query(sql, values), group, topic);
      if (known.size > 0) return new Map([...known].map(([partition, { offset }]) => [partition, offset]));
      const { starts, undecided } = await this.firstStarts(admin, group, topic, from);
      if (from === 'latest' && undecided.size > 0) await commitFirst(kafka, group, topic, undecided);
      await this.insert(runner, group, topic, starts);
      this.logger.log({ msg: 'first start of the group decided', group, topic, from, starts: [...starts.values()] });
      return starts;
    } finally {
      // The session's end gives the lock back even where this statement cannot be sent any more.
      await runner.query('select pg_advisory_unlock_all()').catch(() => undefined);
      await runner.release();
    }
  }

  /** A partition that came after the first start begins at its first record; from now on that is known. */
  async record(group: string, topic: string, partition: number, offset: number): Promise<void> {
    const runner = this.database.createQueryRunner();
    try {
      await this.insert(runner, group, topic, new Map([[partition, offset]]));
    } finally {
      await runner.release();
    }
  }

  /**
   * Whether the start that is recorded speaks of an older topic of that name: everything that is there now came after it,
   * though it begins below it. Kafka forgets a group's commits with a topic; this is what is left to tell by.
   */
  async isOutdated(admin: Admin, group: string, topic: string, partition: number, low: number): Promise<boolean> {
    const starts = await startsOf((sql, values) => this.database.query(sql, values), group, topic);
    const decidedAt = starts.get(partition)?.decidedAt;
    return decidedAt !== undefined && beganAfter(admin, topic, partition, low, decidedAt);
  }

  private async firstStarts(
    admin: Admin,
    group: string,
    topic: string,
    from: 'latest' | 'earliest',
  ): Promise<{ starts: Map<number, number>; undecided: Map<number, number> }> {
    const ends = await admin.fetchTopicOffsets(topic);
    const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    const commits = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    // Commits without a recorded start: the group ran before starts were recorded; what it did not commit came later.
    const hasRun = [...commits.values()].some((offset) => offset >= 0);
    const starts = new Map<number, number>();
    for (const { partition, low, high } of ends) {
      const commit = commits.get(partition) ?? -1;
      starts.set(partition, commit >= 0 ? commit : Number(from === 'latest' && !hasRun ? high : low));
    }
    const undecided = [...starts].filter(([partition]) => (commits.get(partition) ?? -1) < 0);
    return { starts, undecided: new Map(undecided) };
  }

  private async insert(runner: QueryRunner, group: string, topic: string, starts: Map<number, number>): Promise<void> {
    await runner.query(
      `insert into group_starts (group_id, topic, partition, start_offset)
       select $1, $2, p, o from unnest($3::int[], $4::bigint[]) as t (p, o)
       on conflict (group_id, topic, partition) do nothing`,
      [group, topic, [...starts.keys()], [...starts.values()]],
    );
  }
}

/** Where a group began in a partition of a topic, and when that was decided. */
export interface GroupStart {
  readonly offset: number;
  readonly decidedAt: Date;
}

/** @param query runs a statement and resolves with its rows */
export async function startsOf(
  query: (sql: string, values: unknown[]) => Promise<StartRow[]>,
  group: string,
  topic: string,
): Promise<Map<number, GroupStart>> {
  const rows = await query(
    'select partition, start_offset::text, decided_at from group_starts where group_id = $1 and topic = $2',
    [group, topic],
  );
  return new Map(rows.map((row) => [row.partition, { offset: Number(row.start_offset), decidedAt: row.decided_at }]));
}

/** Whether all that stands in a partition, whose first offset is `low`, was written after that moment. */
export async function beganAfter(
  admin: Admin,
  topic: string,
  partition: number,
  low: number,
  moment: Date,
): Promise<boolean> {
  const since = await admin.fetchTopicOffsetsByTimestamp(topic, moment.getTime());
  return since.some((first) => first.partition === partition && Number(first.offset) === low);
}
