import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { TransientError } from '../failure.js';
import { isTransientDatabaseError, sqlStateOf } from './database-errors.js';

/** Each bound is above the one before, so that the server answers first and a hung server is still noticed. */
export const CONNECTION_LIMITS = {
  connectionTimeoutMillis: 2_000,
  lock_timeout: 1_000,
  statement_timeout: 3_000,
  /** The client's own: the only one that works against a stopped server. */
  query_timeout: 4_000,
  idle_in_transaction_session_timeout: 10_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} as const;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const GOODBYE_MS = 500;
const CLOSED = 'the connection to the database is closed';
/** Transient, but no fault of the connection: lock not available, deadlock, serialization, statement cancelled. */
const CONNECTION_STAYS = new Set(['55P03', '40P01', '40001', '57014']);

/**
 * One connection that is made when it is needed and made anew after it has failed, with growing pauses.
 *
 * A pool would throw the connection (and its prepared statements) away at each refused value, and would hand a connection
 * on that is still busy with a statement that has timed out.
 */
export class OwnConnection {
  private client: pg.Client | undefined;
  private failures = 0;
  private notBefore = 0;
  private readonly closing = new AbortController();

  constructor(
    private readonly url: string,
    private readonly applicationName: string,
  ) {}

  /**
   * Runs `work` on the connection; for one caller at a time.
   *
   * @throws TransientError after `close`
   * @throws the driver's error otherwise; where it says that the connection is of no use any more, the next call makes a
   *   new one, after a pause
   */
  async use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      const client = this.client ?? (await this.connect());
      const result = await work(client);
      this.failures = 0;
      return result;
    } catch (error) {
      if (breaksConnection(error)) this.drop();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    const client = this.client;
    this.client = undefined;
    // A stopped server never says goodbye.
    if (client !== undefined)
      await Promise.race([client.end().catch(ignore), pause(GOODBYE_MS, undefined, { ref: false })]);
  }

  private async connect(): Promise<pg.Client> {
    const waitMs = this.notBefore - Date.now();
    if (waitMs > 0) await pause(waitMs, undefined, { signal: this.closing.signal }).catch(ignore);
    if (this.isClosing()) throw new TransientError(CLOSED);
    const client = new pg.Client({
      connectionString: this.url,
      application_name: this.applicationName,
      ...CONNECTION_LIMITS,
    });
    // Without a listener, a connection that dies while nobody uses it would take the process with it.
    client.on('error', ignore);
    client.on('end', () => {
      if (this.client === client) this.client = undefined;
    });
    try {
      await client.connect();
    } catch (error) {
      void client.end().catch(ignore);
      throw error;
    }
    if (this.isClosing()) {
      void client.end().catch(ignore);
      throw new TransientError(CLOSED);
    }
    this.client = client;
    return client;
  }

  private isClosing(): boolean {
    return this.closing.signal.aborted;
  }

  private drop(): void {
    const client = this.client;
    this.client = undefined;
    this.notBefore = Date.now() + Math.min(FIRST_PAUSE_MS * 2 ** this.failures++, LONGEST_PAUSE_MS);
    void client?.end().catch(ignore);
  }
}

/** Whether the connection is of no use any more after this error. */
export function breaksConnection(error: unknown): boolean {
  const state = sqlStateOf(error);
  return isTransientDatabaseError(error) && !(state !== undefined && CONNECTION_STAYS.has(state));
}

const ignore = (): void => undefined;
