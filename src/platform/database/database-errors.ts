import { PoisonError, TransientError } from '../failure.js';

/**
 * SQLSTATE classes that are about the value itself: data exceptions, integrity constraints, and a value that is too
 * long for an index. Everything else says something about the database, now, and passes.
 */
const VALUE_CLASSES = new Set(['22', '23', '54']);
/** Of class 22, but about how the Worker or the server is set up (a time zone that the server does not know). */
const SETTING_CODES = new Set(['22023']);

/** The SQLSTATE, where the server itself has answered. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : undefined;
}

/**
 * Whether waiting helps. A time-out and a lost connection have no SQLSTATE and are transient: the statement may even have
 * been committed, which the idempotency key covers.
 */
export function isTransientDatabaseError(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state === undefined || SETTING_CODES.has(state)) return true;
  return !VALUE_CLASSES.has(state.slice(0, 2));
}

/**
 * What a handler may throw instead of the driver's error. Call it for a statement that carried one record only: with
 * several, a refused value says nothing about the others.
 */
export function toFailure(error: unknown): PoisonError | TransientError {
  if (error instanceof PoisonError || error instanceof TransientError) return error;
  const message = describeDatabaseError(error);
  if (isTransientDatabaseError(error)) return new TransientError(message, { cause: error });
  const code = sqlStateOf(error) === '23505' ? 'IDEMPOTENCY_CONFLICT' : 'INVALID_EVENT';
  return new PoisonError(code, `refused by the database: ${message}`, { cause: error });
}

/** Code and message only: the drivers' errors carry parameters, and some carry the URL. */
export function describeDatabaseError(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeDatabaseError(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  const message = error.message.split('\n', 1)[0] ?? '';
  return typeof code === 'string' && !message.includes(code) ? `${message} (${code})` : message;
}
