import type { ClientBase } from 'pg';
import { breaksConnection, type OwnConnection } from '../platform/database/own-connection.js';
import { sqlStateOf, toFailure } from '../platform/database/database-errors.js';
import { TransientError } from '../platform/failure.js';
import { explainOverflow, findConflicting } from './explain-refusals.sql.js';
import { postGroup, type PostingOutcome } from './post-group.sql.js';
import { settlementOf, type Settlement } from './post-isolated.js';
import type { Posting, PostingResult } from './posting.js';

/** As long as a lane waits: a rehearsal is in nobody's way. */
const LOCK_WAIT_MS = 50;
const READ_ONLY = '25006';

/** Postings that wait for their turn; where the connection is lost before, why. */
interface Line {
  lost?: Error;
}

/** Posts in a transaction that is always rolled back, one posting at a time; what comes of it is the real function's answer. */
export class RehearsalPoster {
  private last: Promise<unknown> = Promise.resolve();
  private line: Line = {};

  constructor(
    private readonly connection: OwnConnection,
    private readonly budgetTimezone: string,
  ) {}

  /** Fails as `LedgerService.post` does; a posting that came before in the rehearsal alone is none. */
  async post(posting: Posting): Promise<PostingResult> {
    const { line } = this;
    const turn = this.last.then(() => this.tryOut(posting, line));
    this.last = turn.catch(() => undefined);
    const settlement = await turn;
    if (settlement.status === 'SETTLED') return settlement.result;
    if (settlement.status === 'FAILED') throw settlement.error;
    throw new TransientError(`advertiserId ${posting.advertiserId}: its row is held by somebody else`);
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** Whoever waits in line when the connection is lost hears it too, instead of waiting for a new one each. */
  private async tryOut(posting: Posting, line: Line): Promise<Settlement> {
    if (line.lost !== undefined) throw line.lost;
    try {
      return await this.connection.use(async (client) => {
        try {
          const outcome = await this.rolledBack(client, posting);
          return settlementOf(outcome, posting, await findConflicting(client, [outcome]));
        } catch (error) {
          const overflow = await explainOverflow(client, error, posting);
          if (overflow === undefined) throw error;
          return { status: 'FAILED', error: overflow };
        }
      });
    } catch (error) {
      const failure = failureOf(error);
      if (breaksConnection(error)) {
        line.lost = failure;
        this.line = {};
      }
      throw failure;
    }
  }

  private async rolledBack(client: ClientBase, posting: Posting): Promise<PostingOutcome> {
    await client.query('begin');
    try {
      const [outcome] = await postGroup(client, [posting], {
        budgetTimezone: this.budgetTimezone,
        lockWaitMs: LOCK_WAIT_MS,
      });
      if (outcome === undefined) throw new Error('a posting without an answer');
      return outcome;
    } finally {
      await client.query('rollback');
    }
  }
}

function failureOf(error: unknown): Error {
  // Without the driver's error, which would mean that the handler writes to the database besides.
  if (sqlStateOf(error) === READ_ONLY) return new TransientError('the database is read-only');
  return toFailure(error);
}
