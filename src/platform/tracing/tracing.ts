import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { CONFIG } from '../../config/config.module.js';
import type { Config, TracingConfig } from '../../config/config.js';
import { ExportComplaints } from './export-complaints.js';
import { RootShare } from './root-share.js';

/** Spans that wait for the collector, some 4 MB; what comes beyond is dropped, and nothing waits for it. */
const QUEUED_SPANS = 4_096;
const SPANS_AT_ONCE = 512;
const EXPORT_EVERY_MS = 2_000;
const EXPORT_WITHIN_MS = 5_000;
/** Of the ten seconds of a stop, after the records in hand are settled. */
const FLUSH_WITHIN_MS = 1_500;

/** OpenTelemetry's SDK, with what is configured; registered for the whole process, so that a capability's own spans nest. */
@Injectable()
export class Tracing implements OnApplicationShutdown {
  private provider: TracerProvider | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Before the first record. Does nothing where no collector is configured; a command of the CLI does not call it. */
  start(): void {
    const { tracing } = this.config;
    if (tracing === undefined) return;
    const complaints = new ExportComplaints();
    diag.setLogger(complaints, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    setGlobalErrorHandler((error) => {
      complaints.warn(error instanceof Error ? error.message : JSON.stringify(error));
    });
    this.provider = providerOf(tracing);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(this.provider);
  }

  /** After the transport has drained: the spans of all records have ended. */
  async onApplicationShutdown(): Promise<void> {
    const flushed = this.provider?.shutdown().catch(() => undefined);
    if (flushed !== undefined) await Promise.race([flushed, pause(FLUSH_WITHIN_MS, undefined, { ref: false })]);
  }
}

function providerOf({ url, headers, serviceName, rootShare }: TracingConfig): TracerProvider {
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_WITHIN_MS });
  return new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new ParentBasedSampler({ root: new RootShare(rootShare) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: QUEUED_SPANS,
        maxExportBatchSize: SPANS_AT_ONCE,
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_WITHIN_MS,
      }),
    ],
  });
}
