import { EventPattern as NestEventPattern } from '@nestjs/microservices';

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
}

export interface EventPatternOptions {
  /** The consumer group, which has one handler for the topic. */
  readonly group: string;
  /**
   * `false` for a handler that does what a dry run of a replay could not take back: it sends mail, say. What it would do is
   * then reported as unknown. A write to the database or to Kafka need not be declared: a dry run refuses it.
   */
  readonly rehearsable?: boolean;
}

type Handler<E> = (event: E, ...rest: never[]) => Promise<void>;

/** Nest's key of a `@Payload()` parameter in its metadata is `3:<index>` (`RpcParamtype.PAYLOAD`). */
const PAYLOAD_KEY = /^3:(\d+)$/;

/**
 * Subscribes a method to `topic` in the consumer group `group`; the transport does the rest. Ours, since Nest's typed one
 * widens the payload to the union of all topics and refuses a typed `@Ctx()`.
 */
export function EventPattern<T extends keyof TopicEvents | (string & {})>(topic: T, options: EventPatternOptions) {
  return <M extends Handler<T extends keyof TopicEvents ? TopicEvents[T] : never>>(
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const extras: HandlerExtras = { ...options, payloadType: payloadTypeOf(target, key) };
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
