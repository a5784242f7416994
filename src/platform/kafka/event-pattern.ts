import { EventPattern as NestEventPattern } from '@nestjs/microservices';
import type { RecordCoordinates } from './record-coordinates.js';

/** Which event class a topic carries. A capability adds its own topic: see `docs/adding-a-capability.md`. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface TopicEvents {}

/** What `EventPattern` leaves on a handler for the transport. */
export interface HandlerExtras {
  readonly group: string;
  /** The class of the `@Payload()` parameter: `Buffer` for the bytes, `Object` for plain JSON, else a decorated class. */
  readonly payloadType: unknown;
  /** False where the handler does more than the ledger, alerts and campaigns take back in a rehearsal. */
  readonly rehearsable?: boolean;
  readonly postingKey?: PostingKey;
}

/** The idempotency key that a record is posted under. */
export type PostingKey<E = unknown> = (event: E, record: RecordCoordinates) => string;

export interface EventPatternOptions<E = never> {
  /** The consumer group, which has one handler for the topic. */
  readonly group: string;
  /**
   * `false` for a handler that does what a dry run of a replay could not take back: it sends mail, say. What it would do is
   * then reported as unknown. A write to the database or to Kafka need not be declared: a dry run refuses it.
   */
  readonly rehearsable?: boolean;
  /**
   * Where each record becomes a posting: under which key. `account-for` then holds the topic against the ledger. It follows from
   * the event and from where the record stood first, and from nothing else.
   */
  readonly postingKey?: PostingKey<E>;
}

type EventOf<T> = T extends keyof TopicEvents ? TopicEvents[T] : never;

type Handler<E> = (event: E, ...rest: never[]) => Promise<void>;

/** Nest's key of a `@Payload()` parameter in its metadata is `3:<index>` (`RpcParamtype.PAYLOAD`). */
const PAYLOAD_KEY = /^3:(\d+)$/;

/**
 * Subscribes a method to `topic` in the consumer group `group`; the transport does the rest. Ours, since Nest's typed one
 * widens the payload to the union of all topics and refuses a typed `@Ctx()`.
 */
export function EventPattern<T extends keyof TopicEvents | (string & {})>(
  topic: T,
  options: EventPatternOptions<EventOf<T>>,
) {
  return <M extends Handler<EventOf<T>>>(target: object, key: string, descriptor: TypedPropertyDescriptor<M>): void => {
    const extras = { ...options, payloadType: payloadTypeOf(target, key) } as HandlerExtras;
    // Without the type argument Nest's first overload is taken, which types the payload by a map of all topics.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-arguments
    NestEventPattern<string>(topic, { ...extras })(target, key, descriptor);
  };
}

function payloadTypeOf(target: object, key: string): unknown {
  const types = (Reflect.getMetadata('design:paramtypes', target, key) ?? []) as unknown[];
  const parameters = (Reflect.getMetadata('__routeArguments__', target.constructor, key) ?? {}) as object;
  const index = Object.keys(parameters).flatMap((name) => PAYLOAD_KEY.exec(name)?.[1] ?? [])[0];
  return types[Number(index ?? 0)];
}
