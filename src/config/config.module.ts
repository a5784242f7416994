import { Module } from '@nestjs/common';
import { loadConfig } from './config.js';

export const CONFIG = Symbol('CONFIG');

/** The environment, checked once, as one typed object. */
@Module({ providers: [{ provide: CONFIG, useFactory: () => loadConfig() }], exports: [CONFIG] })
export class ConfigModule {}
