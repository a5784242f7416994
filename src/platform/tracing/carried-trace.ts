import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
} from '@opentelemetry/api';
import { messagingAttributes, SEND } from './messaging-attributes.js';

/** The trace that is under way, as a text that a row can keep; undefined where there is none. */
export function activeTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  if (trace.getActiveSpan() !== undefined) propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Goes on in the trace that a row has kept. Without tracing, or where the text is none, `work` is just done. */
export function inTraceOf<T>(traceparent: unknown, work: () => T): T {
  return context.with(propagation.extract(ROOT_CONTEXT, { traceparent }), work);
}

/** Makes a trace for what has none, a span that writes to `topic`; within another one, or without tracing, `work` is just done. */
export async function inSomeTrace<T>(topic: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  if (trace.getActiveSpan() !== undefined) return work();
  const span = trace.getTracer('click-worker').startSpan(`send ${topic}`, {
    kind: SpanKind.PRODUCER,
    root: true,
    attributes: { ...messagingAttributes(SEND, topic), ...attributes },
  });
  try {
    return await context.with(trace.setSpan(context.active(), span), work);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
