import { BadRequestException } from '@nestjs/common';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { QueryFailedError, TypeORMError } from 'typeorm';
import { isTransientDatabaseError } from './database/database-errors.js';
import { PoisonError, TransientError, type PoisonCode } from './failure.js';

export type Failure =
  | { readonly kind: 'poison'; readonly code: PoisonCode; readonly message: string }
  | { readonly kind: 'transient'; readonly message: string }
  | { readonly kind: 'unclassified'; readonly message: string };

/** Node's and libuv's codes of a peer that is away, slow or gone in the middle. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
]);

/** Which of the two kinds of failure an error is; what nobody classified may be either, and is tried a few times. */
export function classify(error: unknown): Failure {
  const message = messageOf(error);
  if (error instanceof PoisonError) return { kind: 'poison', code: error.code, message };
  if (error instanceof TransientError) return { kind: 'transient', message };
  // What Nest's own ValidationPipe throws: the event does not have the shape that its handler asks for.
  if (error instanceof BadRequestException) return { kind: 'poison', code: 'INVALID_EVENT', message };
  if (isBrokerAway(error) || isDatabaseAway(error) || NETWORK_CODES.has(codeOf(error))) {
    return { kind: 'transient', message };
  }
  return { kind: 'unclassified', message };
}

/** Brokers' answers that are about what was sent to them: the next attempt gets the same. */
const REFUSED_BY_BROKER = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
]);

function isBrokerAway(error: unknown): boolean {
  for (let cause = error; cause instanceof kafkajs.KafkaJSError; cause = cause.cause) {
    if (cause instanceof kafkajs.KafkaJSProtocolError && REFUSED_BY_BROKER.has(cause.type)) return false;
  }
  return error instanceof kafkajs.KafkaJSError;
}

/** How pg words a connection that it lost or did not get; such errors carry no code. */
const LOST_CONNECTION =
  /^(Query read timeout|Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed)/;
const NOT_CONNECTED = new Set(['CannotExecuteNotConnectedError', 'ConnectionIsNotSetError']);

/** Handlers of a capability may use TypeORM or pg themselves, whose errors come here as they are. */
function isDatabaseAway(error: unknown): boolean {
  // A parameter that the driver could not even write (a `bigint` in JSON) never reached the database.
  if (error instanceof QueryFailedError && error.driverError instanceof TypeError) return false;
  if (error instanceof QueryFailedError) return isTransientDatabaseError(error.driverError);
  if (error instanceof pg.DatabaseError) return isTransientDatabaseError(error);
  if (error instanceof TypeORMError) return NOT_CONNECTED.has(error.name);
  return error instanceof Error && LOST_CONNECTION.test(error.message);
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  // Nest's RpcException and its answers are plain objects with a message.
  const message = (error as { message?: unknown } | null | undefined)?.message;
  if (typeof message === 'string') return message;
  try {
    return String(error);
  } catch {
    // An object without a prototype; what throws here would end the process.
    return 'an error that has no text';
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
