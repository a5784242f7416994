import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { describeKafkaError } from './describe-kafka-error.js';

/** kafkajs's types leave out what most of its errors are made of. */
const make = (type: unknown, ...parts: unknown[]): Error => Reflect.construct(type as ErrorConstructor, parts) as Error;
const refused = make(kafkajs.KafkaJSSASLAuthenticationError, 'SASL SCRAM SHA256 authentication failed');
const notOffered = make(kafkajs.KafkaJSProtocolError, {
  message: 'The broker does not support the requested SASL mechanism',
  type: 'UNSUPPORTED_SASL_MECHANISM',
  retriable: false,
});

describe('describeKafkaError', () => {
  it.each([
    ['a refused login', refused, /failed \(look at KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD\)$/],
    ['one that kafkajs wrapped', make(kafkajs.KafkaJSNonRetriableError, refused, { cause: refused }), /_PASSWORD\)$/],
    ['a mechanism that is not offered', notOffered, /mechanism \(look at KAFKA_SASL_MECHANISM, .*\)$/],
    ['a broker that is away', new Error('connect ECONNREFUSED'), /^connect ECONNREFUSED$/],
    ['what is no error', 'gone', /^gone$/],
  ])('of %s', (_what, error, said) => {
    expect(describeKafkaError(error)).toMatch(said);
  });
});
