import { BadRequestException, ForbiddenException } from '@nestjs/common';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { CannotExecuteNotConnectedError, EntityNotFoundError, QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { classify } from './classify.js';
import { PoisonError, TransientError } from './failure.js';

class Campaign {
  readonly id!: bigint;
}

/** kafkajs's types leave out what most of its errors are made of. */
const make = (type: unknown, ...parts: unknown[]): Error => Reflect.construct(type as ErrorConstructor, parts) as Error;
const coded = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
const protocol = (type: string): Error => make(kafkajs.KafkaJSProtocolError, { message: type, type });
const givenUp = (cause: Error): Error => make(kafkajs.KafkaJSNumberOfRetriesExceeded, cause, {});
const postgres = (code: string): Error => Object.assign(new pg.DatabaseError('refused', 7, 'error'), { code });
const typeorm = (driverError: Error): Error => new QueryFailedError('select 1', [], driverError);

const ANSWERS_THAT_PASS = [
  ...['08006', '28P01', '3D000', '40001', '40P01', '53300', '55000', '55P03', '57014', '57P01', '58030'],
  ...['25006', '25P02', '26000', '0A000', 'XX000', '42P01', '42501'],
];

describe('classify', () => {
  it.each([
    ['what a module calls poison', new PoisonError('UNKNOWN_PRICE', 'no price'), 'UNKNOWN_PRICE'],
    ["what Nest's ValidationPipe refuses", new BadRequestException('id must be a number'), 'INVALID_EVENT'],
  ])('%s is poison', (_what, error, code) => {
    expect(classify(error)).toEqual({ kind: 'poison', code, message: error.message });
  });

  it.each([
    ['what a module calls transient', new TransientError('the ledger is away')],
    ['a broker that is away', make(kafkajs.KafkaJSConnectionError, 'Connection timeout')],
    ['a broker that was tried in vain', givenUp(protocol('NOT_ENOUGH_REPLICAS'))],
    ['a topic that may not be written', protocol('TOPIC_AUTHORIZATION_FAILED')],
    ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN'].map(
      (code): [string, Error] => [code, coded(code)],
    ),
    ['a refused connection to both of the addresses', Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })],
    ...[
      'Query read timeout',
      'Connection terminated unexpectedly',
      'Connection terminated due to connection timeout',
      'timeout exceeded when trying to connect',
      'timeout expired',
      'Client has encountered a connection error and is not queryable',
      'Client was closed and is not queryable',
    ].flatMap((words): [string, Error][] => [
      [`pg's "${words}"`, new Error(words)],
      [`TypeORM's "${words}"`, typeorm(new Error(words))],
    ]),
    ...ANSWERS_THAT_PASS.flatMap((code): [string, Error][] => [
      [`SQLSTATE ${code} from pg`, postgres(code)],
      [`SQLSTATE ${code} from TypeORM`, typeorm(postgres(code))],
    ]),
    ['a data source that is not connected', new CannotExecuteNotConnectedError()],
  ] satisfies [string, Error][])('%s is transient', (_what, error) => {
    expect(classify(error)).toMatchObject({ kind: 'transient' });
  });

  it.each([
    ['a bug', new TypeError('undefined is not a function')],
    ["another of Nest's exceptions", new ForbiddenException()],
    ['an entity that is not there', new EntityNotFoundError(Campaign, {})],
    ['a value that Postgres refuses', postgres('22P02')],
    ['a value that breaks a constraint', typeorm(postgres('23503'))],
    ['a parameter that the driver cannot write', typeorm(new TypeError('Do not know how to serialize a BigInt'))],
    ['a record that its topic does not take', protocol('MESSAGE_TOO_LARGE')],
    ['a record that its topic still does not take', givenUp(protocol('RECORD_LIST_TOO_LARGE'))],
    ['a file that is missing', coded('ENOENT')],
    ['an error code that is no text', Object.assign(new Error('odd'), { code: 42 })],
  ])('%s is left unclassified', (_what, error) => {
    expect(classify(error)).toMatchObject({ kind: 'unclassified' });
  });

  it.each([
    [new Error('out of luck'), 'out of luck'],
    [new RangeError(), 'RangeError'],
    [{ status: 'error', message: 'as Nest answers' }, 'as Nest answers'],
    ['a text', 'a text'],
    [5, '5'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('odd'), 'Symbol(odd)'],
    [Object.create(null), 'an error that has no text'],
  ])('finds words for %s', (error: unknown, message) => {
    expect(classify(error)).toEqual({ kind: 'unclassified', message });
  });
});
