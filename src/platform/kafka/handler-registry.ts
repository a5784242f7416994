import type { MessageHandler } from '@nestjs/microservices';
import type { ModulesContainer } from '@nestjs/core';
import { PATTERN_METADATA } from '@nestjs/microservices/constants.js';
import type { HandlerExtras } from './event-pattern.js';
import { RecordHandler } from './record-handler.js';

/** The handlers that Nest found, by topic and group. */
export class HandlerRegistry {
  private readonly handlers = new Map<string, RecordHandler>();
  private readonly faults: string[] = [];

  get all(): RecordHandler[] {
    return [...this.handlers.values()];
  }

  add(topic: string, callback: MessageHandler, extras: Partial<HandlerExtras>): void {
    if (extras.group === undefined || extras.group === '') {
      this.faults.push(`the handler of ${topic} names no group: use EventPattern of platform/kafka`);
      return;
    }
    const key = `${topic} in group ${extras.group}`;
    if (this.handlers.has(key)) this.faults.push(`two handlers take ${key}: give one of them a group of its own`);
    try {
      const handle = (payload: unknown, context: unknown) => callback(payload, context) as Promise<unknown>;
      this.handlers.set(key, new RecordHandler(topic, extras as HandlerExtras, handle));
    } catch (error) {
      this.faults.push(`the event of ${topic}: ${(error as Error).message}`);
    }
  }

  /**
   * @throws Error with a line for each handler that cannot work
   */
  check(modules: ModulesContainer): void {
    const faults = [...this.faults, ...requestScoped(modules)];
    if (faults.length > 0) throw new Error(faults.join('\n'));
  }
}

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
