import kafkajs from 'kafkajs';

const { KafkaJSProtocolError, KafkaJSSASLAuthenticationError } = kafkajs;

const WRONG_LOGIN = 'look at KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD';
const WRONG_MECHANISM = 'look at KAFKA_SASL_MECHANISM, the brokers do not offer it';

/** What an error of the client says, and which variable it is about where only a person can put it right. */
export function describeKafkaError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = remedyOf(error);
  return remedy === undefined ? message : `${message} (${remedy})`;
}

function remedyOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof KafkaJSProtocolError && cause.type === 'UNSUPPORTED_SASL_MECHANISM') return WRONG_MECHANISM;
    if (cause instanceof KafkaJSSASLAuthenticationError) return WRONG_LOGIN;
  }
  return undefined;
}
