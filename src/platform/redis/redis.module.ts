import { Module } from '@nestjs/common';
import { ConfigModule, CONFIG } from '../../config/config.module.js';
import type { Config } from '../../config/config.js';
import { REDIS_URL, RedisCacheService } from './redis-cache.service.js';
import { UnusableValues } from './unusable-values.js';

/** `RedisCacheService`: reads only, never fails, never holds anybody up. */
@Module({
  imports: [ConfigModule],
  providers: [
    { provide: REDIS_URL, inject: [CONFIG], useFactory: (config: Config) => config.redisUrl },
    RedisCacheService,
    UnusableValues,
  ],
  exports: [RedisCacheService, UnusableValues],
})
export class RedisModule {}
