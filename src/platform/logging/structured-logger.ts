import type { LoggerService } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Level, type Logger } from 'pino';
import { redact } from './redact.js';

/** Fields whose value never reaches a log, wherever in a line they stand. */
const SECRET = /pass(word|wd)?|secret|token|authorization|sasl|webhook/i;
/** Nest tells of each module and route when it starts: twenty lines that are the same each time. */
const CHATTY = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestMicroservice']);
/** What lies deeper in an object is not looked at, and so not logged. */
const MAX_DEPTH = 5;
/** Characters of one text in a line: an error may repeat the megabytes of a record. */
const LONGEST_TEXT = 2_000;

/**
 * Nest's logger over pino: one line a happening, JSON for machines or readable for a terminal. A message may be a text, an
 * error, or an object with `msg` and the fields that belong to it.
 */
export class StructuredLogger implements LoggerService {
  private readonly pino: Logger;

  /** @param destination where the lines go instead of stdout */
  constructor({ level, pretty }: { level: string; pretty: boolean }, destination?: DestinationStream) {
    const options = { level, base: null, formatters: { level: (label: string) => ({ level: label }) } };
    this.pino = pretty
      ? pino({
          ...options,
          transport: {
            target: 'pino-pretty',
            options: { ignore: 'context', messageFormat: '{if context}[{context}] {end}{msg}' },
          },
        })
      : pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, destination ?? pino.destination(1));
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write(CHATTY.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  /** Nest gives the context last, and for errors the stack before it. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    if (!this.pino.isLevelEnabled(level)) return;
    const context = typeof rest.at(-1) === 'string' ? (rest.at(-1) as string) : undefined;
    const fields = fieldsOf(message);
    this.pino[level]({ ...(context === undefined ? {} : { context: clean(context) }), ...activeTrace(), ...fields });
  }
}

/** The trace in which a line is written: of the record whose handler it is, say. Without tracing there is none. */
function activeTrace(): { traceId?: string; spanId?: string } {
  const active = trace.getActiveSpan()?.spanContext();
  return active === undefined ? {} : { traceId: active.traceId, spanId: active.spanId };
}

function fieldsOf(message: unknown): Record<string, unknown> {
  if (message instanceof Error) return { msg: clean(message.message), stack: clean(stackOf(message)) };
  if (typeof message !== 'object' || message === null) return { msg: clean(String(message)) };
  return cleanFields(message, 0);
}

function cleanFields(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [cut(name), SECRET.test(name) ? '***' : clean(value, depth + 1)]),
  );
}

/** It begins with the message, which stands beside it: one that fills the line would leave no room for where it was. */
function stackOf({ message, stack = '' }: Error): string {
  return message.length > LONGEST_TEXT ? stack.replace(message, () => '…') : stack;
}

/** Cut last: what is cut away may be what tells a secret from other text. */
const cleanText = (text: string): string => cut(redact(text));

function cut(text: string): string {
  const more = text.length - LONGEST_TEXT;
  return more > 0 ? `${text.slice(0, LONGEST_TEXT)}… (${more} more characters)` : text;
}

function clean(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return cut(value.toString());
  if (value instanceof Error) return clean(value.message);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= MAX_DEPTH) return '…';
  return Array.isArray(value) ? value.map((each) => clean(each, depth + 1)) : cleanFields(value, depth);
}
