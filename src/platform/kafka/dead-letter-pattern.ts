import { EventPattern as NestEventPattern } from '@nestjs/microservices';
import type { HandlerExtras } from './event-pattern.js';

/** What Nest knows such a handler by; no topic can be called that. */
export const EVERY_DEAD_LETTER = '*.dlq';

/** The bytes as they failed, or null where the record had no value. */
type DeadLetterHandler = (value: Buffer | null, ...rest: never[]) => Promise<void>;

/**
 * Subscribes a method to the dead letters of every topic that any handler of the process takes, in the consumer group
 * `group`: a capability that is added later is covered as it is. What stands in the key and the headers is in the
 * `RecordContext`.
 *
 * A dead letter has nowhere else to go: whatever the method throws, the record is tried again until it is handled.
 */
export function DeadLetterPattern(options: { group: string }) {
  return <M extends DeadLetterHandler>(target: object, key: string, descriptor: TypedPropertyDescriptor<M>): void => {
    const extras: HandlerExtras = { group: options.group, payloadType: Buffer };
    // Without the type argument Nest's first overload is taken, which types the payload by a map of all topics.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-arguments
    NestEventPattern<string>(EVERY_DEAD_LETTER, { ...extras })(target, key, descriptor);
  };
}
