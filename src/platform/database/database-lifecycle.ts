import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { DataSource } from 'typeorm';
import { endProcess } from '../end-process.js';
import { TransientError } from '../failure.js';
import { describeDatabaseError, sqlStateOf } from './database-errors.js';
import { DATABASE_OPTIONS, type DatabaseOptions } from './database-options.js';
import { endBusyConnections } from './end-busy-connections.js';
import { MIGRATIONS } from './migrations.js';
import { WrongDatabaseError } from './wrong-database-error.js';
import { OwnConnection } from './own-connection.js';

const FIRST_PAUSE_SECONDS = 1;
const LONGEST_PAUSE_SECONDS = 15;
const UNDEFINED_TABLE = '42P01';
const NOT_GRANTED = '42501';

/**
 * Connects TypeORM in the background, for as long as it takes, so that the Worker starts while Postgres is away or not
 * migrated yet. What needs the database awaits `ready()`.
 */
@Injectable()
export class DatabaseLifecycle implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly stopping = new AbortController();
  private readonly pings: OwnConnection;
  private readonly becameReady: Promise<void>;
  private announceReady!: () => void;
  private refuseReady!: (error: Error) => void;
  private connecting: Promise<void> | undefined;
  private pinging: Promise<void> | undefined;
  private readonly checks: (() => Promise<void>)[] = [];
  private readonly looks: Look[] = [faultOfReadOnly];
  isReady = false;

  constructor(
    private readonly database: DataSource,
    @Inject(DATABASE_OPTIONS) options: DatabaseOptions,
  ) {
    this.pings = new OwnConnection(options.url, 'worker-health');
    this.becameReady = new Promise((resolve, reject) => {
      this.announceReady = resolve;
      this.refuseReady = reject;
    });
    this.becameReady.catch(() => undefined); // nobody may be waiting when the Worker stops
  }

  onModuleInit(): void {
    this.connecting = this.connect();
  }

  /**
   * Something that must hold before the database counts as ready, besides its migrations. A check that fails because the
   * database went away again is repeated; one that throws `WrongDatabaseError` ends the process.
   */
  beforeReady(check: () => Promise<void>): void {
    this.checks.push(check);
  }

  /** Something that must hold at every `ping`, besides that the database answers and takes writes. */
  atEachPing(look: Look): void {
    this.looks.push(look);
  }

  /**
   * Resolves once the database was reached and is migrated.
   *
   * @throws TransientError when the Worker stops before that
   */
  ready(): Promise<void> {
    return this.becameReady;
  }

  /**
   * Asks the database whether the Worker can do its work on it; callers at the same time share one question.
   *
   * @throws the driver's error when it is away, or TransientError that says what is wrong with it
   */
  ping(): Promise<void> {
    if (!this.isReady) return Promise.reject(new TransientError('the database is not reachable or not migrated yet'));
    // Through the pool, a question to a stopped server would use a connection up each time.
    this.pinging ??= this.pings
      .use((client) => this.faultOf(client))
      .then((fault) => {
        // Not thrown inside: the connection is sound, and what is wrong is to be said at each ping.
        if (fault !== undefined) throw new TransientError(fault);
      })
      .finally(() => (this.pinging = undefined));
    return this.pinging;
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
    this.refuseReady(new TransientError('the Worker stops'));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.connecting, this.pings.close()]);
  }

  private async faultOf(client: ClientBase): Promise<string | undefined> {
    for (const look of this.looks) {
      const fault = await look(client);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  private async connect(): Promise<void> {
    for (let seconds = FIRST_PAUSE_SECONDS; !this.isReady; seconds = Math.min(seconds * 2, LONGEST_PAUSE_SECONDS)) {
      const fault = await this.tryToConnect();
      if (this.stopping.signal.aborted) return;
      if (fault === undefined) {
        this.isReady = true;
        this.announceReady();
      } else {
        this.logger.warn(`${fault}: retrying in ${seconds} s`);
        await pause(seconds * 1_000, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** What is wrong, in words, or undefined. */
  private async tryToConnect(): Promise<string | undefined> {
    try {
      if (!this.database.isInitialized) {
        await this.database.initialize();
        endBusyConnections(this.database);
      }
    } catch (error) {
      return `database not reachable (${shortReason(error)})`;
    }
    try {
      const missing = await this.missingMigrations();
      if (missing.length === 0) {
        for (const check of this.checks) await check();
        return undefined;
      }
      return `database not migrated (${missing.length} missing): run "npm run migrate"`;
    } catch (error) {
      if (error instanceof WrongDatabaseError) endProcess(error);
      const unmigrated = [UNDEFINED_TABLE, NOT_GRANTED].includes(sqlStateOf(error) ?? '');
      if (unmigrated) return `database not migrated (${describeDatabaseError(error)}): run "npm run migrate"`;
      return `database not reachable (${shortReason(error)})`;
    }
  }

  /** Ones that the database has and we do not are no fault: a newer replica may be rolled out. */
  private async missingMigrations(): Promise<string[]> {
    const rows = await this.database.query<{ name: string }[]>('select name from migrations');
    const done = new Set(rows.map(({ name }) => name));
    return MIGRATIONS.map(({ name }) => name).filter((name) => !done.has(name));
  }
}

/** What is wrong, in words, or undefined. */
type Look = (client: ClientBase) => Promise<string | undefined>;

/** A standby answers too, but every posting would wait. */
async function faultOfReadOnly(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ setting: string }>(
    "select current_setting('transaction_read_only') as setting",
  );
  return rows[0]?.setting === 'on' ? 'the database is read-only' : undefined;
}

/** Of a network's error the code is enough; a refused login or a certificate (not trusted, or a file that is missing) needs its words too. */
function shortReason(error: unknown): string {
  const { code, path } = error as { code?: unknown; path?: unknown };
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) && path === undefined ? code : describeDatabaseError(error);
}
