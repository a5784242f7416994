import pg from 'pg';
import { findDead } from '../dlq/find-dead.sql.js';
import { findByPlace, findPostings, findTwice, type Span } from '../ledger/find-postings.sql.js';
import { SKIPPED } from '../platform/events/event-reader.js';
import { PoisonError } from '../platform/failure.js';
import type { ConsumedRecord } from '../platform/kafka/consumed-record.js';
import { DEAD_LETTER_SUFFIX, readDeadLetterHeaders } from '../platform/kafka/dead-letter.js';
import type { DeclaredHandler } from '../platform/kafka/declared-handlers.js';
import type { PostingKey } from '../platform/kafka/event-pattern.js';
import { startsOf, type StartRow } from '../platform/kafka/group-starts.js';
import type { KafkaConnection } from '../platform/kafka/kafka-client.js';
import { recordReader, type RecordReader } from '../platform/kafka/record-handler.js';
import { scanTopic, type OffsetRange } from '../platform/kafka/topic-scan.js';
import { topicExists, topicStanding, type PartitionStanding } from '../platform/kafka/topic-standing.js';
import { MissingRecords } from './missing-records.js';

/** What became of a record. */
export const FATES = ['posted', 'repeated', 'skipped', 'dead', 'pending', 'beforeStart'] as const;
type Fate = (typeof FATES)[number];

export interface Account extends Readonly<Record<Fate, number>> {
  readonly topic: string;
  readonly group: string;
  /** `topic:partition:offset` of each. */
  readonly missing: readonly string[];
  readonly twice: readonly string[];
  /** What the group had to see and is not there any more: nobody can tell what became of it. */
  readonly removed: readonly { readonly partition: number; readonly from: number; readonly to: number }[];
}

export interface AccountOptions {
  readonly kafka: KafkaConnection;
  /** A member of `worker` may read all that this needs. */
  readonly databaseUrl: string;
  readonly span: Span;
  readonly progress: (done: number, all: number) => void;
  readonly signal: AbortSignal;
}

/** One who posts: its records can be held against the ledger. */
export type PostingHandler = DeclaredHandler & { readonly extras: { readonly postingKey: PostingKey } };

export function isPosting(handler: DeclaredHandler): handler is PostingHandler {
  return handler.extras.postingKey !== undefined;
}

const CONNECTIONS = 3;

/**
 * Reads a topic again and finds each record in the ledger or among the dead letters, while the Worker runs on.
 *
 * Resolves with undefined when it was asked to stop before its end.
 *
 * The memory it takes does not depend on the topic's size, but for the records that are missing.
 *
 * @throws the client's or the driver's error where one of them is away
 */
export async function accountFor(handler: PostingHandler, options: AccountOptions): Promise<Account | undefined> {
  const database = new pg.Pool({
    connectionString: options.databaseUrl,
    application_name: 'worker-account-for',
    max: CONNECTIONS,
    connectionTimeoutMillis: 10_000,
  });
  database.on('error', () => undefined); // the next query says it too
  try {
    return await new Accounting(handler, options, database).run();
  } finally {
    await database.end().catch(() => undefined);
  }
}

class Accounting {
  private readonly counts = Object.fromEntries(FATES.map((fate) => [fate, 0])) as Record<Fate, number>;
  private readonly missing: MissingRecords;
  private readonly read: RecordReader;
  private done = 0;
  private all = 0;

  constructor(
    private readonly handler: PostingHandler,
    private readonly options: AccountOptions,
    private readonly database: pg.Pool,
  ) {
    this.missing = new MissingRecords(handler.topic);
    this.read = recordReader(handler.topic, handler.extras.payloadType);
  }

  async run(): Promise<Account | undefined> {
    const { topic, group } = this.handler;
    const { kafka, span, signal } = this.options;
    const query = async (sql: string, values: unknown[]) => (await this.database.query<StartRow>(sql, values)).rows;
    const starts = await startsOf(query, group, topic);
    const standings = await topicStanding(kafka, group, topic, starts, span.from);
    const byPartition = new Map(standings.map((each) => [each.partition, each]));
    const ranges = new Map(standings.map((each) => [each.partition, rangeOf(each)]));
    this.all = [...ranges.values()].reduce((sum, { from, to }) => sum + to - from, 0);
    await scanTopic(
      kafka,
      topic,
      ranges,
      (partition, records) => this.take(records, byPartition.get(partition) as PartitionStanding),
      signal,
    );
    if (this.isStopped()) return undefined;
    await this.lookAgain();
    if (this.isStopped()) return undefined;
    const twice = await findTwice(this.database, topic, span);
    return {
      topic,
      group,
      ...this.counts,
      missing: this.missing.names(),
      twice: twice.map(({ partition, offset }) => `${topic}:${partition}:${offset}`),
      removed: standings.flatMap((standing) => removedOf(standing, span)),
    };
  }

  private async take(records: readonly ConsumedRecord[], standing: PartitionStanding): Promise<void> {
    const { topic, group } = this.handler;
    const { postings, broken, skipped } = this.sorted(records);
    for (const record of skipped) this.count(explanationOf(record, standing) ?? 'skipped');
    const found = await findPostings(this.database, topic, postings);
    const unposted = [...broken];
    const repeats = new Set<ConsumedRecord>();
    for (const [place, { record }] of postings.entries()) {
      if (found[place] === 'own') this.count('posted');
      else unposted.push(record);
      if (found[place] === 'other') repeats.add(record);
    }
    const dead = await findDead(this.database, group, topic, unposted);
    for (const [place, record] of unposted.entries()) {
      const fate = dead[place] ? 'dead' : repeats.has(record) ? 'repeated' : explanationOf(record, standing);
      if (fate === undefined) this.missing.add(record);
      else this.count(fate);
    }
    this.done += records.length;
    this.options.progress(this.done, this.all);
  }

  /** What the handler would make of those that are asked about. */
  private sorted(records: readonly ConsumedRecord[]) {
    const postings: { record: ConsumedRecord; key: string }[] = [];
    const broken: ConsumedRecord[] = [];
    const skipped: ConsumedRecord[] = [];
    for (const record of records) {
      if (!isIn(this.options.span, record.timestamp)) continue;
      try {
        const event = this.read(record);
        if (event === SKIPPED) skipped.push(record);
        else postings.push({ record, key: this.handler.extras.postingKey(event, record) });
      } catch (error) {
        if (!(error instanceof PoisonError)) throw error;
        broken.push(record);
      }
    }
    return { postings, broken, skipped };
  }

  /** Under another key, perhaps; or a dead letter that is not stored yet, or was, before retention. */
  private async lookAgain(): Promise<void> {
    if (this.missing.size === 0) return;
    const { topic, group } = this.handler;
    const { kafka, signal } = this.options;
    const posted = await findByPlace(this.database, topic, this.missing.places());
    for (const place of posted) if (this.missing.delete(place)) this.count('posted');
    const deadTopic = topic + DEAD_LETTER_SUFFIX;
    if (this.missing.size === 0 || !(await topicExists(kafka, deadTopic))) return;
    const standings = await topicStanding(kafka, group, deadTopic, new Map());
    const ranges = new Map(standings.map(({ partition, low, high }) => [partition, { from: low, to: high }]));
    const take = (_: number, letters: readonly ConsumedRecord[]): Promise<void> => {
      for (const letter of letters) {
        const headers = readDeadLetterHeaders(letter);
        if (headers.group === group && headers.origin !== undefined && this.missing.find(headers.origin))
          this.count('dead');
      }
      return Promise.resolve();
    };
    await scanTopic(kafka, deadTopic, ranges, take, signal);
  }

  /** A method: the compiler would take a property that it has looked at for unchanged after an `await`. */
  private isStopped(): boolean {
    return this.options.signal.aborted;
  }

  private count(fate: Fate): void {
    this.counts[fate]++;
  }
}

/** What explains that nothing became of a record, or undefined. */
function explanationOf({ offset }: ConsumedRecord, { start, committed }: PartitionStanding): Fate | undefined {
  if (start !== undefined && offset < start) return 'beforeStart';
  return offset >= (committed ?? start ?? 0) ? 'pending' : undefined;
}

function rangeOf({ low, high, firstSince }: PartitionStanding): OffsetRange {
  return { from: Math.max(low, firstSince ?? low), to: high };
}

/** With a time to begin at, what is gone was before it, unless the first record that is left is from after it. */
function removedOf({ partition, low, high, start, firstSince }: PartitionStanding, { from }: Span): Account['removed'] {
  const first = start ?? 0;
  if (low <= first || (from !== undefined && (firstSince ?? high) > low)) return [];
  return [{ partition, from: first, to: low }];
}

function isIn({ from, to }: Span, timestamp: number): boolean {
  return (from === undefined || timestamp >= from.getTime()) && (to === undefined || timestamp < to.getTime());
}
