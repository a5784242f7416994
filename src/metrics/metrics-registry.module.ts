import { Module } from '@nestjs/common';
import { MetricsRegistry } from './metrics-registry.js';

/** For a capability that has metrics of its own: apart from `MetricsModule`, which imports capabilities. */
@Module({ providers: [MetricsRegistry], exports: [MetricsRegistry] })
export class MetricsRegistryModule {}
