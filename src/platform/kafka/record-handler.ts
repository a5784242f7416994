import { compileReader, readPlain, SKIPPED, type EventClass } from '../events/event-reader.js';
import type { ConsumedRecord } from './consumed-record.js';
import type { HandlerExtras } from './event-pattern.js';
import type { RecordContext } from './record-context.js';
import { isDeadLetterTopic } from './topics.js';

/** A handler as Nest wraps it: guards, pipes, interceptors and filters are inside. */
type NestHandler = (payload: unknown, context: RecordContext) => Promise<unknown>;

/** Types that Nest reports for a parameter without a class of its own. */
const PLAIN_TYPES: readonly unknown[] = [undefined, Object, String, Array, Number, Boolean];

/** One `@EventPattern` method: how its records are read, and how it is called. */
export class RecordHandler {
  readonly group: string;
  readonly isRehearsable: boolean;
  private readonly ofDeadLetters: boolean;
  private readonly readValue: (value: Buffer) => unknown;

  constructor(
    readonly topic: string,
    extras: HandlerExtras,
    private readonly handle: NestHandler,
  ) {
    this.group = extras.group;
    this.isRehearsable = extras.rehearsable ?? true;
    this.ofDeadLetters = isDeadLetterTopic(topic);
    if (this.ofDeadLetters && extras.payloadType !== Buffer && !PLAIN_TYPES.includes(extras.payloadType)) {
      throw new Error('a dead letter may be anything: its handler takes a Buffer');
    }
    if (extras.payloadType === Buffer || this.ofDeadLetters) this.readValue = (value) => value;
    else if (PLAIN_TYPES.includes(extras.payloadType)) this.readValue = readPlain;
    else this.readValue = compileReader(extras.payloadType as EventClass);
  }

  /**
   * The event of a record, or `SKIPPED`: a tombstone, or none that the handler's event class is for. A dead letter is never
   * skipped: without a value it is `null`.
   *
   * @throws PoisonError `INVALID_JSON` or `INVALID_EVENT`
   */
  read(record: ConsumedRecord): unknown {
    if (record.value === null) return this.ofDeadLetters ? null : SKIPPED;
    return this.readValue(record.value);
  }

  call(event: unknown, context: RecordContext): Promise<unknown> {
    return this.handle(event, context);
  }
}
