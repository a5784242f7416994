import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { KafkaStrategy } from '../platform/kafka/kafka.strategy.js';
import { isCompanion } from '../platform/kafka/topics.js';
import { POISON_CODES } from '../platform/failure.js';
import { LETTER_STATUSES, type LetterStatus } from './letter-status.js';

export interface LetterCount {
  readonly topic: string;
  readonly code: string;
  readonly status: LetterStatus;
  readonly count: number;
}

/** Where somebody else's letters are counted: their names are not ours to choose. */
const OTHER = 'other';
const FRESH_MS = 15_000;
/** A look that takes longer is shown the next time. */
const WAIT_MS = 1_000;

/** By index alone. */
const COUNT = `
  select topic, error_code as code, status, count(*)::int as count
  from dead_letters group by status, topic, error_code`;

/** How many dead letters there are, as of the last look. */
@Injectable()
export class DeadLetterCounts {
  private known: LetterCount[] = [];
  private looking: Promise<void> | undefined;
  private lookedAt = -Infinity;

  constructor(
    private readonly database: DataSource,
    private readonly transport: KafkaStrategy,
  ) {}

  /** Every topic, code and status that there may be, with 0 where there is none; at most some seconds old. */
  async all(): Promise<readonly LetterCount[]> {
    if (performance.now() - this.lookedAt > FRESH_MS) {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
      await Promise.race([this.looking, later(WAIT_MS)]);
    }
    return this.withNone(this.known);
  }

  private async look(): Promise<void> {
    if (!this.database.isInitialized) return;
    try {
      this.known = await this.database.query<LetterCount[]>(COUNT);
      this.lookedAt = performance.now();
    } catch {
      // The figures of before stand; health says that the database is away.
    }
  }

  private withNone(counts: readonly LetterCount[]): LetterCount[] {
    const topics = this.topics();
    const sums = new Map<string, LetterCount>();
    for (const topic of topics) {
      for (const code of POISON_CODES) {
        for (const status of LETTER_STATUSES) sums.set(`${topic} ${code} ${status}`, { topic, code, status, count: 0 });
      }
    }
    for (const each of counts) {
      const topic = topics.has(each.topic) ? each.topic : OTHER;
      const code = (POISON_CODES as readonly string[]).includes(each.code) ? each.code : OTHER;
      const key = `${topic} ${code} ${each.status}`;
      sums.set(key, { topic, code, status: each.status, count: (sums.get(key)?.count ?? 0) + each.count });
    }
    return [...sums.values()];
  }

  private topics(): Set<string> {
    return new Set(this.transport.subscriptions.map(({ topic }) => topic).filter((topic) => !isCompanion(topic)));
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
