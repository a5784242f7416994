import type { MessageHandler } from '@nestjs/microservices';
import type { ModulesContainer } from '@nestjs/core';
import { PATTERN_METADATA } from '@nestjs/microservices/constants.js';
import { DEAD_LETTER_SUFFIX, RETRY_SUFFIX } from './dead-letter.js';
import type { BareHandlers } from './bare-handlers.js';
import { EVERY_DEAD_LETTER } from './dead-letter-pattern.js';
import type { HandlerExtras } from './event-pattern.js';
import { RecordHandler, whenHandled, type HandlerCall } from './record-handler.js';
import { isDeadLetterTopic, originTopic } from './topics.js';

/** The handlers that Nest found, by topic and group. */
export class HandlerRegistry {
  private readonly handlers = new Map<string, RecordHandler>();
  /** Those of every dead-letter topic: which these are is known when all others are. */
  private readonly ofDeadLetters: { callback: MessageHandler; extras: Partial<HandlerExtras> }[] = [];
  private readonly faults: string[] = [];

  constructor(private readonly bare: BareHandlers) {}

  /** Each with one topic, once `check` has passed. */
  get all(): RecordHandler[] {
    return [...this.handlers.values()];
  }

  add(pattern: string, callback: MessageHandler, extras: Partial<HandlerExtras>): void {
    if (extras.group === undefined || extras.group === '') {
      this.faults.push(`the handler of ${pattern} names no group: use EventPattern of platform/kafka`);
    } else if (pattern === EVERY_DEAD_LETTER) {
      this.ofDeadLetters.push({ callback, extras });
    } else if (pattern.endsWith(RETRY_SUFFIX)) {
      this.faults.push(`a handler takes ${pattern}: replays go to the handlers of ${originTopic(pattern)}`);
    } else {
      this.addTopic(pattern, callback, extras as HandlerExtras);
    }
  }

  /**
   * To be called when Nest has found all handlers.
   *
   * @throws Error with a line for each handler that cannot work
   */
  check(modules: ModulesContainer): void {
    const origins = new Set(this.all.map(({ topic }) => topic).filter((topic) => !isDeadLetterTopic(topic)));
    for (const { callback, extras } of this.ofDeadLetters.splice(0)) {
      for (const topic of origins) this.addTopic(topic + DEAD_LETTER_SUFFIX, callback, extras as HandlerExtras);
    }
    const faults = [...this.faults, ...requestScoped(modules)];
    if (faults.length > 0) throw new Error(faults.join('\n'));
  }

  private addTopic(topic: string, callback: MessageHandler, extras: HandlerExtras): void {
    const key = `${topic} in group ${extras.group}`;
    if (this.handlers.has(key)) this.faults.push(`two handlers take ${key}: give one of them a group of its own`);
    try {
      const call = this.bare.of(extras) ?? nestCall(callback);
      this.handlers.set(key, new RecordHandler(topic, extras, call));
    } catch (error) {
      this.faults.push(`the event of ${topic}: ${(error as Error).message}`);
    }
  }
}

/** Nest's way to a handler, with all that stands on it. */
const nestCall =
  (callback: MessageHandler): HandlerCall =>
  (event, context) =>
    (callback(event, context) as Promise<unknown>).then(whenHandled);

/** Nest would build a tree of providers for every single event. */
function requestScoped(modules: ModulesContainer): string[] {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  return controllers
    .filter(
      (wrapper) => !wrapper.isDependencyTreeStatic() && hasPattern(wrapper.metatype as { prototype?: object } | null),
    )
    .map(({ name }) => `${name} depends on a request-scoped provider: event handlers must be singletons`);
}

function hasPattern(controller: { prototype?: object } | null): boolean {
  const methods = Object.values(Object.getOwnPropertyDescriptors(controller?.prototype ?? {}));
  return methods.some(
    ({ value }) => typeof value === 'function' && Reflect.hasMetadata(PATTERN_METADATA, value as object),
  );
}
