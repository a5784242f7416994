import { describeDatabaseError, sqlStateOf } from '../platform/database/database-errors.js';

/** A table or a column that is not there. */
const NOT_MIGRATED = new Set(['42P01', '42703']);

/** An error of the database as somebody at a terminal can use it. */
export function forTerminal(error: unknown): Error {
  const isOld = NOT_MIGRATED.has(sqlStateOf(error) ?? '');
  return new Error(`${describeDatabaseError(error)}${isOld ? ': run "npm run migrate"' : ''}`, { cause: error });
}
