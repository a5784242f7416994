import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect } from 'vitest';
import type { StackEnvironment } from '../../stack/stack.mjs';
import { FOREIGN_TOPICS } from '../../stack/topics.mjs';
import { withClient } from './database.js';

const FOREIGN = Object.fromEntries(FOREIGN_TOPICS.map(({ topic, partitions }) => [topic, partitions]));
const ROLE = 'from pg_roles where rolname = current_user';

/** What the stack promises of the four variables. */
export async function expectMigratedStack(env: StackEnvironment, topics?: Record<string, number>): Promise<void> {
  expect(await partitionsOf(env.KAFKA_BROKERS)).toEqual(topics ?? FOREIGN);
  expect(await pingOf(env.REDIS_URL)).toBe('PONG');
  expect(await ask(env.DATABASE_URL, 'select count(*)::int as n from advertisers')).toEqual([{ n: 0 }]);
  const [worker] = await ask(env.DATABASE_URL, `select rolsuper, pg_has_role('worker', 'member') as member ${ROLE}`);
  expect(worker).toEqual({ rolsuper: false, member: true });
  expect(await ask(env.MIGRATION_DATABASE_URL, `select rolsuper ${ROLE}`)).toEqual([{ rolsuper: true }]);
}

async function partitionsOf(broker: string): Promise<Record<string, number>> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata();
    // The topic of the consumer groups is the broker's own.
    const others = topics.filter(({ name }) => !name.startsWith('__'));
    return Object.fromEntries(others.map(({ name, partitions }) => [name, partitions.length]));
  } finally {
    await admin.disconnect();
  }
}

async function pingOf(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    return await redis.ping();
  } finally {
    redis.disconnect();
  }
}

const ask = (url: string, sql: string): Promise<unknown[]> =>
  withClient(url, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
