import type { ClientBase } from 'pg';
import { PoisonError, TransientError } from '../platform/failure.js';
import {
  describeDatabaseError,
  isTransientDatabaseError,
  sqlStateOf,
  toFailure,
} from '../platform/database/database-errors.js';
import { explainOverflow, findConflicting } from './explain-refusals.sql.js';
import { chargeGroup, mayBePlain, NOT_PLAIN } from './charge-group.sql.js';
import { postGroup, type PostGroupOptions, type PostingOutcome } from './post-group.sql.js';
import type { Posting } from './posting.js';
import { refusal, type StoredPosting } from './refusal.js';

/** How a posting ended; `HELD` has not ended: somebody holds its advertiser's row, it must be tried again. */
export type Settlement =
  | Extract<PostingOutcome, { status: 'SETTLED' | 'HELD' }>
  | { readonly status: 'FAILED'; readonly error: PoisonError | TransientError };

const LOCK_NOT_AVAILABLE = '55P03';
const UNIQUE_VIOLATION = '23505';
const COLLISIONS = new Set(['40P01', '40001']);
const COLLISION_TRIES = 3;
/** While a group is taken apart because of a lock, each try may wait for it: so many, then the rest is left for later. */
const LOCKED_TRIES = 16;

/**
 * Posts a group so that whatever is wrong with one posting stays with that posting: a locked advertiser is `HELD` while
 * the others go on, and a value that Postgres refuses is found by halving the group.
 *
 * @param charging whether plain groups may be expected
 * @throws the driver's error when the server did not answer: then nothing is known of any of them
 */
export async function postIsolated(
  client: ClientBase,
  postings: readonly Posting[],
  options: PostGroupOptions,
  charging: Charging,
): Promise<Settlement[]> {
  return new IsolatedPosting(client, options, charging).post(postings);
}

/** After a group that was not plain, a redelivery say, the next ones are likely to be none either. */
const CAREFUL_MS = 500;

/** Whether to expect plain groups. */
export class Charging {
  private carefulUntil = -Infinity;

  get isExpected(): boolean {
    return performance.now() >= this.carefulUntil;
  }

  wasNotPlain(): void {
    this.carefulUntil = performance.now() + CAREFUL_MS;
  }
}

class IsolatedPosting {
  private collisions = 0;
  private lockedTries = 0;

  constructor(
    private readonly client: ClientBase,
    private readonly options: PostGroupOptions,
    private readonly charging: Charging,
  ) {}

  async post(postings: readonly Posting[], lockWaitMs = this.options.lockWaitMs): Promise<Settlement[]> {
    let outcomes: PostingOutcome[];
    try {
      outcomes = await this.call(postings, { ...this.options, lockWaitMs });
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === undefined) throw error;
      if (state === LOCK_NOT_AVAILABLE && lockWaitMs !== null) return this.post(postings, null);
      if (COLLISIONS.has(state) && ++this.collisions < COLLISION_TRIES) return this.post(postings, lockWaitMs);
      if (state !== LOCK_NOT_AVAILABLE && isTransientDatabaseError(error)) throw error;
      return postings.length === 1 ? this.settleAlone(postings, error) : this.halve(postings, error);
    }
    return this.settle(postings, outcomes);
  }

  /** A group that looks plain is taken for it first; what it then turns out not to be is looked at posting by posting. */
  private async call(postings: readonly Posting[], options: PostGroupOptions): Promise<PostingOutcome[]> {
    if (options.lockWaitMs !== null && this.charging.isExpected && mayBePlain(postings)) {
      try {
        return await chargeGroup(this.client, postings, options);
      } catch (error) {
        const state = sqlStateOf(error);
        if (state === undefined || (state !== NOT_PLAIN && isTransientDatabaseError(error))) throw error;
        this.charging.wasNotPlain();
      }
    }
    return postGroup(this.client, postings, options);
  }

  private async halve(postings: readonly Posting[], error: unknown): Promise<Settlement[]> {
    if (sqlStateOf(error) === LOCK_NOT_AVAILABLE && ++this.lockedTries > LOCKED_TRIES) {
      return failed(postings.length, new TransientError(describeDatabaseError(error), { cause: error }));
    }
    const middle = postings.length >> 1;
    const first = await this.post(postings.slice(0, middle), null);
    return [...first, ...(await this.post(postings.slice(middle), null))];
  }

  /** Not the advertiser's row is locked (that is answered, no error), but another the posting needs. */
  private async settleAlone(postings: readonly Posting[], error: unknown): Promise<Settlement[]> {
    const state = sqlStateOf(error);
    if (state === LOCK_NOT_AVAILABLE) return [{ status: 'HELD' }];
    if (state !== UNIQUE_VIOLATION) return this.refuse(postings, error);
    // Somebody posted the same key or compensation at the same time: by now it can be seen, as a repeat or a conflict.
    let outcomes: PostingOutcome[];
    try {
      outcomes = await postGroup(this.client, postings, { ...this.options, lockWaitMs: null });
    } catch (again) {
      if (sqlStateOf(again) === LOCK_NOT_AVAILABLE) return [{ status: 'HELD' }];
      if (isTransientDatabaseError(again)) throw again;
      return this.refuse(postings, again);
    }
    return this.settle(postings, outcomes);
  }

  private async settle(postings: readonly Posting[], outcomes: readonly PostingOutcome[]): Promise<Settlement[]> {
    const conflicting = await findConflicting(this.client, outcomes);
    return outcomes.map((outcome, i) => settlementOf(outcome, postings[i], conflicting));
  }

  private async refuse([posting]: readonly Posting[], error: unknown): Promise<Settlement[]> {
    const overflow = posting && (await explainOverflow(this.client, error, posting));
    return failed(1, overflow ?? toFailure(error));
  }
}

/** @param conflicting what `findConflicting` says of the outcomes */
export function settlementOf(
  outcome: PostingOutcome,
  posting: Posting | undefined,
  conflicting: ReadonlyMap<bigint | null, StoredPosting>,
): Settlement {
  if (outcome.status !== 'REFUSED') return outcome;
  return { status: 'FAILED', error: refusal(outcome.code, posting, conflicting.get(outcome.storedId)) };
}

function failed(count: number, error: PoisonError | TransientError): Settlement[] {
  return Array.from({ length: count }, () => ({ status: 'FAILED', error }));
}
