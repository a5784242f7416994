import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { describeDatabaseError } from '../platform/database/database-errors.js';
import { OwnConnection } from '../platform/database/own-connection.js';
import { LEDGER_OPTIONS, type LedgerOptions } from './ledger-options.js';
import { makePartitionsAhead } from './partitions.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
const RETRY_MS = 60_000;

/** Makes the histories' months ahead, at start and once a day, so that nobody has to remember to. */
@Injectable()
export class PartitionUpkeep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(PartitionUpkeep.name);
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  /** Up to this time (ms) each month of the histories has a partition of its own, as of the last look; 0 before it. */
  coveredUntil = 0;

  constructor(@Inject(LEDGER_OPTIONS) private readonly options: LedgerOptions) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const done = await this.makeAhead();
      // No timer of ours keeps the process alive.
      const rest = { signal: this.stopping.signal, ref: false };
      await pause(done ? DAY_MS : RETRY_MS, undefined, rest).catch(() => undefined);
    }
  }

  /** Whether there is nothing left to try again soon. */
  private async makeAhead(): Promise<boolean> {
    // Opened for this alone: once a day is no reason to keep a connection.
    const connection = new OwnConnection(this.options.databaseUrl, 'worker-partitions');
    const stop = () => void connection.close();
    this.stopping.signal.addEventListener('abort', stop);
    try {
      const months = await connection.use((client) => makePartitionsAhead(client, new Date()));
      const { made, inDefault, locked, until } = months;
      this.coveredUntil = Date.parse(until);
      if (made.length > 0) this.logger.log({ msg: 'history partitions made', months: made });
      if (inDefault.length > 0) {
        this.logger.warn({
          msg: 'months that work on in the default partition, where rows of theirs lie',
          months: inDefault,
        });
      }
      return locked.length === 0;
    } catch (error) {
      if (!this.stopping.signal.aborted) {
        this.logger.warn({ msg: 'history partitions not made: trying again', error: describeDatabaseError(error) });
      }
      return false;
    } finally {
      this.stopping.signal.removeEventListener('abort', stop);
      await connection.close();
    }
  }
}
