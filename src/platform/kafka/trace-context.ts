import { context, propagation, ROOT_CONTEXT, trace, type Context } from '@opentelemetry/api';
import { headerText, type RecordHeader } from './consumed-record.js';

const TRACEPARENT = 'traceparent';
/** Of a version that we know: what comes after it in a later one is not needed here. */
const TRACE_ID = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

const getter = {
  get: (headers: readonly RecordHeader[], name: string): string | undefined => headerText(headers, name),
  keys: (headers: readonly RecordHeader[]): string[] => headers.map(([name]) => name),
};

/** The context that a record was written in, as far as it says so. */
export function contextOf(headers: readonly RecordHeader[]): Context {
  return headers.length === 0 ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, headers, getter);
}

/** `traceparent` and `tracestate` for a record that is written in this context; none where there is no trace. */
export function traceHeaders(within: Context = context.active()): Record<string, string> {
  const headers: Record<string, string> = {};
  if (trace.getSpanContext(within) !== undefined) propagation.inject(within, headers);
  return headers;
}

export function hasTraceparent(headers: readonly RecordHeader[]): boolean {
  return headers.some(([name]) => name === TRACEPARENT);
}

/** Works without tracing too: for a log line about a record. */
export function traceIdIn(headers: readonly RecordHeader[]): string | undefined {
  return TRACE_ID.exec(headerText(headers, TRACEPARENT) ?? '')?.[1];
}
