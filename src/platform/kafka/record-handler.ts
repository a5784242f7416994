import { isObservable, lastValueFrom } from 'rxjs';
import { compileReader, readPlain, SKIPPED, type EventClass } from '../events/event-reader.js';
import type { ConsumedRecord } from './consumed-record.js';
import type { HandlerExtras } from './event-pattern.js';
import type { RecordContext } from './record-context.js';
import { isDeadLetterTopic } from './topics.js';

/** How a handler is called: with its guards, pipes, interceptors and filters, where it has any. Resolves when it is done. */
export type HandlerCall = (event: unknown, context: RecordContext) => Promise<unknown>;

/** An interceptor or a filter may answer by a stream: the record is handled when that ends. */
export function whenHandled(result: unknown): Promise<unknown> {
  if (isObservable(result)) return lastValueFrom(result, { defaultValue: undefined });
  return result instanceof Promise ? result : Promise.resolve(result);
}

/** Types that Nest reports for a parameter without a class of its own. */
const PLAIN_TYPES: readonly unknown[] = [undefined, Object, String, Array, Number, Boolean];

/**
 * The event of a record, or `SKIPPED`: a tombstone, or none that the handler's event class is for. A dead letter is never
 * skipped: without a value it is `null`.
 *
 * @throws PoisonError `INVALID_JSON` or `INVALID_EVENT`
 */
export type RecordReader = (record: Pick<ConsumedRecord, 'value'>) => unknown;

/** @throws Error where no record of the topic can be read as that type */
export function recordReader(topic: string, payloadType: unknown): RecordReader {
  const ofDeadLetters = isDeadLetterTopic(topic);
  if (ofDeadLetters && payloadType !== Buffer && !PLAIN_TYPES.includes(payloadType)) {
    throw new Error('a dead letter may be anything: its handler takes a Buffer');
  }
  const read = ofDeadLetters ? asBytes : valueReader(payloadType);
  const withoutValue = ofDeadLetters ? null : SKIPPED;
  return ({ value }) => (value === null ? withoutValue : read(value));
}

function valueReader(payloadType: unknown): (value: Buffer) => unknown {
  if (payloadType === Buffer) return asBytes;
  return PLAIN_TYPES.includes(payloadType) ? readPlain : compileReader(payloadType as EventClass);
}

const asBytes = (value: Buffer): Buffer => value;

/** One `@EventPattern` method: how its records are read, and how it is called. */
export class RecordHandler {
  readonly group: string;
  readonly isRehearsable: boolean;
  readonly read: RecordReader;

  constructor(
    readonly topic: string,
    extras: HandlerExtras,
    readonly call: HandlerCall,
  ) {
    this.group = extras.group;
    this.isRehearsable = extras.rehearsable ?? true;
    this.read = recordReader(topic, extras.payloadType);
  }
}
