import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { Batch } from 'kafkajs';
import { classify } from '../classify.js';
import { redact } from '../logging/redact.js';
import { messagingAttributes, POLL, PROCESS, SEND } from '../tracing/messaging-attributes.js';
import { DRAWN_ROOT, RootShare } from '../tracing/root-share.js';
import { toConsumedRecord, type ConsumedRecord, type RecordHeader } from './consumed-record.js';
import type { RecordAttempt, RecordOutcome } from './record-context.js';
import { contextOf, hasTraceparent, traceHeaders } from './trace-context.js';

/** As many as the SDK keeps for a span. */
const MOST_LINKS = 128;

/** The spans of the transport, named as the semantic conventions for messaging have it. Made only where tracing is on. */
export class RecordTracing {
  private readonly tracer: Tracer = trace.getTracer('click-worker');
  /** Of records whose last attempt failed: what is written or said about them belongs there. */
  private readonly failed = new WeakMap<ConsumedRecord, Context>();
  private readonly roots: RootShare;

  /** @param rootShare of the records that come without a trace, from 0 to 1 */
  constructor(rootShare: number) {
    this.roots = new RootShare(rootShare);
  }

  /** A batch that was fetched, until it is taken over; linked to what its records were written in. */
  async receive<T>({ topic, partition, messages }: Batch, group: string, work: () => Promise<T>): Promise<T> {
    const span = this.tracer.startSpan(
      `poll ${topic}`,
      { kind: SpanKind.CLIENT, attributes: { ...messagingAttributes(POLL, topic, partition), [GROUP]: group } },
      ROOT_CONTEXT,
    );
    if (span.isRecording()) {
      span.setAttribute('messaging.batch.message_count', messages.length);
      for (let i = 0, links = 0; i < messages.length && links < MOST_LINKS; i++) {
        const message = messages[i];
        if (message?.headers?.['traceparent'] === undefined) continue;
        const linked = trace.getSpanContext(contextOf(toConsumedRecord(topic, partition, message).headers));
        if (linked === undefined) continue;
        span.addLink({ context: linked, attributes: { [OFFSET]: Number(message.offset) } });
        links++;
      }
    }
    try {
      return await work();
    } finally {
      span.end();
    }
  }

  /**
   * One attempt at a record: reading it and its handler, within the context that the record came in. One that came in none
   * gets no span, and is done as if there were no tracing, unless it is drawn.
   */
  process(
    record: ConsumedRecord,
    group: string,
    attempt: RecordAttempt,
    work: () => Promise<unknown> | undefined,
  ): Promise<unknown> | undefined {
    const written = writtenIn(record);
    if (written === undefined && !this.roots.beginsRecord()) return work();
    const { topic, partition, offset } = record;
    const parent = written ?? DRAWN_ROOT;
    const span = this.tracer.startSpan(
      `process ${topic}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: { ...messagingAttributes(PROCESS, topic, partition), [GROUP]: group, [OFFSET]: Number(offset) },
      },
      parent,
    );
    const within = trace.setSpan(parent, span);
    const failed = (error: unknown): void => {
      this.failed.set(record, within);
      fail(span, error);
    };
    try {
      const handling = context.with(within, work);
      if (handling !== undefined) {
        return handling.then(
          () => {
            end(span, attempt.outcome);
          },
          (error: unknown) => {
            failed(error);
            throw error;
          },
        );
      }
    } catch (error) {
      failed(error);
      throw error;
    }
    end(span, 'skipped');
    return undefined;
  }

  /** The writing of a dead letter, which takes the trace of its handler where its record came without one. */
  async bury(
    record: ConsumedRecord,
    topic: string,
    write: (trace: readonly RecordHeader[]) => Promise<void>,
  ): Promise<void> {
    const parent = this.failed.get(record) ?? writtenIn(record);
    if (parent === undefined) return write([]);
    const own = hasTraceparent(record.headers) ? [] : Object.entries(traceHeaders(parent));
    const attributes = { ...messagingAttributes(SEND, topic), 'worker.record.outcome': 'dead' };
    const span = this.tracer.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, parent);
    try {
      await write(own.map(([name, text]) => [name, Buffer.from(text)]));
    } catch (error) {
      fail(span, error);
      throw error;
    }
    span.end();
  }

  /** Where a line about a record belongs that failed. */
  idsOf(record: ConsumedRecord): { traceId: string; spanId: string } | undefined {
    const { traceId, spanId } = trace.getSpanContext(this.failed.get(record) ?? ROOT_CONTEXT) ?? {};
    return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
  }
}

const GROUP = 'messaging.consumer.group.name';
const OFFSET = 'messaging.kafka.offset';

/** The trace that a record came in; undefined where it came in none, or says what is none. */
function writtenIn({ headers }: ConsumedRecord): Context | undefined {
  if (!hasTraceparent(headers)) return undefined;
  const within = contextOf(headers);
  return trace.getSpanContext(within) === undefined ? undefined : within;
}

function end(span: Span, outcome: RecordOutcome): void {
  span.setAttribute('worker.record.outcome', outcome);
  span.end();
}

/** No stack: what an error says may hold a password, and is cleaned as in a log line. */
function fail(span: Span, error: unknown): void {
  if (span.isRecording()) {
    const failure = classify(error);
    const message = redact(failure.message);
    const type = failure.kind === 'poison' ? failure.code : error instanceof Error ? error.name : 'unknown';
    span.setAttribute('error.type', type);
    span.setAttribute('worker.record.outcome', failure.kind === 'poison' ? 'dead' : 'failed');
    span.recordException({ name: type, message });
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}
