import kafkajs from 'kafkajs';
import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { NoKafkaError } from './check-answers.js';
import { isConsumerFault } from './consumer-fault.js';

/** kafkajs's types leave out what most of its errors are made of. */
const make = (type: unknown, ...parts: unknown[]): Error => Reflect.construct(type as ErrorConstructor, parts) as Error;
const protocol = (type: string): Error => make(kafkajs.KafkaJSProtocolError, { message: type, type, retriable: false });
const givenUp = (cause: Error): Error =>
  make(kafkajs.KafkaJSNumberOfRetriesExceeded, cause, { retryCount: 5, retryTime: 1_000 });

describe('isConsumerFault', () => {
  it.each([
    [
      'a connection that was refused',
      make(kafkajs.KafkaJSConnectionError, 'connect ECONNREFUSED', { code: 'ECONNREFUSED' }),
    ],
    ['a coordinator that nobody knows', make(kafkajs.KafkaJSGroupCoordinatorNotFound, 'not found')],
    ['somebody who is no broker', givenUp(new NoKafkaError({ broker: 'proxy:80' }))],
    ['a rebalance', protocol('REBALANCE_IN_PROGRESS')],
    ['a leader that moved', givenUp(protocol('NOT_LEADER_FOR_PARTITION'))],
    ['retries that ran out', givenUp(make(kafkajs.KafkaJSConnectionError, 'connect ECONNREFUSED'))],
    ['a socket error', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
    ['what is no error at all', 'gone'],
    ['nothing', undefined],
  ])('says that %s passes', (_what, error) => {
    expect(isConsumerFault(error)).toBe(false);
  });

  it.each([
    ['a codec that nobody registered', make(kafkajs.KafkaJSNotImplemented, 'LZ4 compression not implemented')],
    ['a wrong password', make(kafkajs.KafkaJSSASLAuthenticationError, 'SASL PLAIN authentication failed')],
    ['a way to log in that the brokers do not offer', protocol('UNSUPPORTED_SASL_MECHANISM')],
    ['a topic that may not be read', protocol('TOPIC_AUTHORIZATION_FAILED')],
    ['a group that may not be joined', givenUp(protocol('GROUP_AUTHORIZATION_FAILED'))],
    ['a bug', new TypeError('undefined is not a function')],
    ['a bug of another kind', new SyntaxError('Cannot convert x to a BigInt')],
    [
      'a bug that kafkajs wrapped',
      make(kafkajs.KafkaJSNonRetriableError, 'crashed', { cause: new RangeError('out of range') }),
    ],
    ['an assertion that failed', new AssertionError({ message: 'offsets moved backwards' })],
  ])('says that %s does not pass by waiting', (_what, error) => {
    expect(isConsumerFault(error)).toBe(true);
  });
});
