import { QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { describeDatabaseError, isTransientDatabaseError, toFailure } from './database-errors.js';

const error = (code?: string, message = 'something') =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

describe('a database error', () => {
  it.each([
    ['08006', 'connection failure'],
    ['28P01', 'invalid password: being changed'],
    ['3D000', 'database does not exist: being restored'],
    ['40001', 'serialization failure'],
    ['40P01', 'deadlock'],
    ['42501', 'a grant is missing'],
    ['42P01', 'a migration is missing'],
    ['42883', 'the function is missing'],
    ['53300', 'too many connections'],
    ['53100', 'disk full'],
    ['55000', 'the database does not accept connections'],
    ['55P03', 'lock not available'],
    ['57014', 'statement timed out'],
    ['57P01', 'admin shutdown'],
    ['57P03', 'starting up'],
    ['58030', 'io error'],
    ['25006', 'read-only after a failover'],
    ['25P02', 'transaction aborted'],
    ['26000', 'prepared statement is gone'],
    ['0A000', 'cached plan must not change result type'],
    ['XX000', 'internal error'],
    ['22023', 'a time zone the server does not know: a setting, not a value'],
    ['ECONNREFUSED', 'not listening'],
    ['EPIPE', 'looks like a SQLSTATE and is none'],
    [undefined, 'Query read timeout: it may even have been committed'],
  ])('%s is transient (%s)', (code, _why) => {
    expect(isTransientDatabaseError(error(code))).toBe(true);
    expect(toFailure(error(code))).toMatchObject({ name: 'TransientError' });
  });

  it.each([
    ['22003', 'INVALID_EVENT'], // numeric overflow
    ['22021', 'INVALID_EVENT'], // NUL
    ['22008', 'INVALID_EVENT'], // a time out of range
    ['23502', 'INVALID_EVENT'],
    ['23514', 'INVALID_EVENT'],
    ['54000', 'INVALID_EVENT'], // too long for its index
    ['23505', 'IDEMPOTENCY_CONFLICT'],
  ])('%s is the value’s fault: %s', (code, poison) => {
    expect(isTransientDatabaseError(error(code))).toBe(false);
    expect(toFailure(error(code))).toMatchObject({ name: 'PoisonError', code: poison });
  });

  it('is told by code and message, without the parameters', () => {
    const failed = new QueryFailedError('select $1', ['secret'], error('23505', 'duplicate key'));

    expect(describeDatabaseError(failed)).toBe('duplicate key (23505)');
    expect(describeDatabaseError(new AggregateError([error('ECONNREFUSED', 'connect ECONNREFUSED ::1')]))).toBe(
      'connect ECONNREFUSED ::1',
    );
  });
});
