import { Module } from '@nestjs/common';
import { ConfigModule } from '../../config/config.module.js';
import { Tracing } from './tracing.js';

/** Spans, where a collector is configured. */
@Module({ imports: [ConfigModule], providers: [Tracing], exports: [Tracing] })
export class TracingModule {}
