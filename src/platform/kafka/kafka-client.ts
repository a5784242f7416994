import kafkajs, { type Admin, type Kafka, type logCreator, type Producer, type RetryOptions } from 'kafkajs';
import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { checkAnswers } from './check-answers.js';
import { readBatchesHere } from './record-batches.js';
import { mendRequestQueue } from './request-queue.js';

mendRequestQueue();
checkAnswers();
readBatchesHere();

/** Where the brokers are and how to be let in. */
export interface KafkaConnection {
  readonly brokers: string[];
  readonly ssl: boolean;
  readonly sasl:
    { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string } | undefined;
}

/** kafkajs's defaults give up within two seconds on a slow TLS handshake. */
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** kafkajs waits for what was asked before it hangs up; a broker that hangs would hold up the end of the process. */
const GOODBYE_MS = 500;

/**
 * A client object of its own for each consumer: two consumers of one group from one object share a map of offsets.
 * kafkajs words every hiccup as an error; what matters the transport says itself, so its words are kept for `debug`.
 */
export function createKafka(
  { brokers, ssl, sasl }: KafkaConnection,
  clientId = 'click-worker',
  retry?: RetryOptions,
): Kafka {
  return new kafkajs.Kafka({
    clientId,
    brokers,
    ssl,
    ...(sasl && { sasl: sasl as NonNullable<ConstructorParameters<typeof Kafka>[0]['sasl']> }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(retry && { retry }),
    logLevel: kafkajs.logLevel.WARN,
    logCreator: quietLog,
  });
}

/** For who waits two seconds: each broker is tried, and why none answers is known before that, where it can be told. */
export function createQuickKafka(connection: KafkaConnection): Kafka {
  const retries = Math.max(3, connection.brokers.length);
  return createKafka(connection, undefined, { retries, initialRetryTime: 100, maxRetryTime: 300 });
}

const quietLog: logCreator = () => {
  const logger = new Logger('kafkajs');
  return ({ namespace, log: { message, error } }) => {
    logger.debug({ msg: message, namespace, error: error as string | undefined });
  };
};

/** `acks: all`; several tries, since a send that fails is only tried again with its record. */
export function createProducer(kafka: Kafka): Producer {
  return kafka.producer({
    allowAutoTopicCreation: false,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
  });
}

/** Closes a producer's connections when the process ends. */
export async function closeProducer(producer: Producer): Promise<void> {
  const closed = producer.disconnect().catch(() => undefined);
  await Promise.race([closed, pause(GOODBYE_MS, undefined, { ref: false })]);
}

/** Runs `work` with an admin client of its own and always closes it. */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin({ retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 } });
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
