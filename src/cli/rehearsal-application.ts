import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { ClientBase } from 'pg';
import { DataSource } from 'typeorm';
import { AppModule } from '../app.module.js';
import { DatabaseLifecycle } from '../platform/database/database-lifecycle.js';
import { KafkaStrategy } from '../platform/kafka/kafka.strategy.js';
import { RedisCacheService } from '../platform/redis/redis-cache.service.js';

const READY_WITHIN_MS = 20_000;

interface HandlersOnly {
  readonly transport: KafkaStrategy;
  /** @throws what keeps the database from taking postings now */
  readonly takesPostings: () => Promise<void>;
}

/**
 * The Worker's handlers with all that they need, and nothing that works by itself: no consumer, no patrol, no port. Ends
 * with the process: the hooks of a stop would write what a running Worker has in hand.
 */
export async function handlersOnly(): Promise<HandlersOnly> {
  const app = await NestFactory.create(AppModule, { logger: ONLY_THE_WORST, abortOnError: false, bodyParser: false });
  const transport = app.get(KafkaStrategy);
  app.get(RedisCacheService).waitLonger();
  // Registers the handlers with the transport, which is never started.
  app.connectMicroservice<MicroserviceOptions>({ strategy: transport }, { inheritAppConfig: true });
  // `onModuleInit` connects; `onApplicationBootstrap`, where patrols begin, is left out. So is `init`, which calls both.
  await (app as unknown as { callInitHook(): Promise<void> }).callInitHook();
  const database = app.get(DatabaseLifecycle);
  await ready(database);
  forbidWrites(app.get(DataSource));
  // Where the connection of the question is what was lost, the second one asks on a new one.
  return { transport, takesPostings: () => database.ping().catch(() => database.ping()) };
}

async function ready(lifecycle: DatabaseLifecycle): Promise<void> {
  const late = pause(READY_WITHIN_MS, 'late' as const, { ref: false });
  if ((await Promise.race([lifecycle.ready(), late])) === 'late') {
    throw new Error('the database is not reachable, or not migrated: run "npm run migrate"');
  }
}

/**
 * A handler that nobody prepared for rehearsals may write rows; the server refuses, and the dry run says so. The ledger's
 * own connections are not of this pool.
 */
function forbidWrites(database: DataSource): void {
  const { master } = database.driver as unknown as { master: NodeJS.EventEmitter };
  master.on('acquire', (client: ClientBase) => {
    // Before whatever it was acquired for; where it fails, that fails too.
    client.query('set default_transaction_read_only = on').catch(() => undefined);
  });
}

const nothing = (): void => undefined;
const ONLY_THE_WORST: LoggerService = {
  log: nothing,
  warn: nothing,
  error: nothing,
  fatal: (message: unknown) => {
    const { error } = message as { error?: unknown };
    process.stderr.write(`dlq: ${typeof error === 'string' ? error : String(message)}\n`);
  },
};
