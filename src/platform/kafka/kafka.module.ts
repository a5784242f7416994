import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CONFIG, ConfigModule } from '../../config/config.module.js';
import type { Config } from '../../config/config.js';
import { DatabaseModule } from '../database/database.module.js';
import { endProcess } from '../end-process.js';
import { ErrorsToTransportFilter } from './errors-to-transport.filter.js';
import { GroupStarts } from './group-starts.js';
import { KAFKA_OPTIONS, type KafkaOptions } from './kafka-options.js';
import { KafkaStrategy } from './kafka.strategy.js';
import { TransportHooks } from './observer.js';
import { RecordPublisher } from './record-publisher.js';

const FIRST_PRIORITY_TOPIC = 'ad-events';
/** Written by the Worker alone. */
export const OWN_TOPICS = ['alert-events'];

/** The transport: consuming, settling, retrying, dead-lettering, committing. Capabilities only declare handlers. */
@Module({
  imports: [ConfigModule, DatabaseModule],
  providers: [
    {
      provide: KAFKA_OPTIONS,
      inject: [CONFIG],
      useFactory: ({ kafka, tracing }: Config): KafkaOptions => ({
        connection: kafka,
        tracing,
        firstPriorityTopic: FIRST_PRIORITY_TOPIC,
        ownTopics: OWN_TOPICS,
        fatal: endProcess,
      }),
    },
    { provide: APP_FILTER, useClass: ErrorsToTransportFilter },
    TransportHooks,
    GroupStarts,
    KafkaStrategy,
    RecordPublisher,
  ],
  exports: [KafkaStrategy, TransportHooks, RecordPublisher],
})
export class KafkaModule {}
