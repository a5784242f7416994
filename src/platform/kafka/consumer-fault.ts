import { AssertionError } from 'node:assert';
import kafkajs from 'kafkajs';

const { KafkaJSError, KafkaJSNotImplemented, KafkaJSProtocolError, KafkaJSSASLAuthenticationError } = kafkajs;

const CONFIGURATION_FAULTS = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'UNSUPPORTED_VERSION',
]);

/** What no broker sends: kafkajs ends a consumer for good over them. */
const BUGS = [AssertionError, TypeError, RangeError, ReferenceError, SyntaxError];

/**
 * Whether an error of a consumer says something else than that the brokers are away for now. Brokers come back, however
 * long it takes; these faults do not go away by waiting, and after several of them the process ends.
 */
export function isConsumerFault(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof KafkaJSNotImplemented || cause instanceof KafkaJSSASLAuthenticationError) return true;
    if (cause instanceof KafkaJSProtocolError && CONFIGURATION_FAULTS.has(cause.type)) return true;
    if (BUGS.some((type) => cause instanceof type)) return true;
    if (!(cause instanceof KafkaJSError)) return false;
  }
  return false;
}
