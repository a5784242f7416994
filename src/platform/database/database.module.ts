import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Config } from '../../config/config.js';
import { CONFIG, ConfigModule } from '../../config/config.module.js';
import { DatabaseLifecycle } from './database-lifecycle.js';
import { DATABASE_OPTIONS, type DatabaseOptions } from './database-options.js';
import { CONNECTION_LIMITS } from './own-connection.js';
import { Patrols } from './patrols.js';

/** Rows and settings; the ledger has connections of its own. */
const POOL_SIZE = 5;

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      imports: [ConfigModule],
      inject: [CONFIG],
      useFactory: ({ databaseUrl }: Config) => ({
        type: 'postgres',
        url: databaseUrl,
        autoLoadEntities: true,
        // The Worker starts while Postgres is away: DatabaseLifecycle connects, and tries again.
        manualInitialization: true,
        // Extensions are the owner's business; without this TypeORM would try to create them.
        installExtensions: false,
        logging: false,
        extra: { max: POOL_SIZE, application_name: 'worker', ...CONNECTION_LIMITS },
      }),
    }),
    ConfigModule,
  ],
  providers: [
    {
      provide: DATABASE_OPTIONS,
      inject: [CONFIG],
      useFactory: ({ databaseUrl }: Config): DatabaseOptions => ({ url: databaseUrl }),
    },
    DatabaseLifecycle,
    Patrols,
  ],
  exports: [DatabaseLifecycle, DATABASE_OPTIONS, Patrols],
})
export class DatabaseModule {}
