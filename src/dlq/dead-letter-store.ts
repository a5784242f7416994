import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '../platform/clock.js';
import { isTransientDatabaseError } from '../platform/database/database-errors.js';
import { DATABASE_OPTIONS, type DatabaseOptions } from '../platform/database/database-options.js';
import { OwnConnection } from '../platform/database/own-connection.js';
import { Gatherer } from '../platform/gatherer.js';
import type { LetterSubject } from './letter-subject.js';
import { resolveLetters } from './resolve-letters.sql.js';
import { keyOf, storeLetters, subjectOfStored } from './store-letters.sql.js';
import type { StoredLetter } from './stored-letter.js';

/** Letters of one statement, and their bytes: the driver writes these out twice as long. */
const MOST_AT_ONCE = 500;
const MOST_BYTES = 4 * 1024 * 1024;

/** A replay that was settled: which letter that was. */
type Settled = Pick<StoredLetter, 'origin' | 'group'>;

type Task =
  { readonly kind: 'store'; readonly letter: StoredLetter } | { readonly kind: 'resolve'; readonly letter: Settled };

/**
 * Writes dead letters and what became of them, on one connection of its own: ten thousand of them in some twenty
 * statements, and no click waits for a place in the pool behind them.
 */
@Injectable()
export class DeadLetterStore implements OnApplicationShutdown {
  private readonly connection: OwnConnection;
  private readonly tasks = new Gatherer<Task>(
    (group) => this.write(group),
    groupSize,
    (error) => !isTransientDatabaseError(error),
  );

  constructor(
    @Inject(DATABASE_OPTIONS) { url }: DatabaseOptions,
    private readonly database: DataSource,
    private readonly clock: Clock,
  ) {
    this.connection = new OwnConnection(url, 'worker-dlq');
  }

  /**
   * Resolves when the letter is in the table: a row for each record and group, which a later attempt updates.
   *
   * @throws the driver's error while the database is away
   */
  store(letter: StoredLetter): Promise<void> {
    return this.tasks.add({ kind: 'store', letter });
  }

  /** Resolves when the letter is `RESOLVED`, or nothing is known of it. */
  resolve(letter: Settled): Promise<void> {
    return this.tasks.add({ kind: 'resolve', letter });
  }

  /** Whom the letter concerns that a stub stands for. */
  subjectOf(stub: StoredLetter): Promise<Pick<LetterSubject, 'campaignId' | 'advertiserId'>> {
    return subjectOfStored(this.database, stub);
  }

  /** Last of all: until then a record in hand may become a dead letter. */
  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }

  private async write(group: readonly Task[]): Promise<() => void> {
    await this.connection.use(async (client) => {
      const letters = group.flatMap((task) => (task.kind === 'store' ? [task.letter] : []));
      if (letters.length > 0) await storeLetters(client, letters);
      else
        await resolveLetters(
          client,
          group.map(({ letter }) => letter),
          new Date(this.clock.now()),
        );
    });
    return () => undefined;
  }
}

/** Tasks of one kind; a record comes once among them, and their bytes are bounded. */
function groupSize(waiting: readonly Task[]): number {
  const keys = new Set<string>();
  let bytes = 0;
  for (const [count, task] of waiting.entries()) {
    const key = keyOf(task.letter);
    bytes += task.kind === 'store' ? bytesOf(task.letter) : 0;
    if (count === MOST_AT_ONCE || bytes > MOST_BYTES || keys.has(key) || task.kind !== waiting[0]?.kind) return count;
    keys.add(key);
  }
  return waiting.length;
}

function bytesOf({ key, value, headers }: StoredLetter): number {
  const ofHeaders = headers.reduce((sum, [name, bytes]) => sum + name.length + bytes.length, 0);
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders;
}
