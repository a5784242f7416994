import { PATTERN_EXTRAS_METADATA, PATTERN_METADATA } from '@nestjs/microservices/constants.js';
import { EVERY_DEAD_LETTER } from './dead-letter-pattern.js';
import type { HandlerExtras } from './event-pattern.js';

/** A topic that the process reads, and the group that it reads it in. */
export interface DeclaredHandler {
  readonly topic: string;
  readonly group: string;
  readonly extras: HandlerExtras;
}

type Type = abstract new (...args: never[]) => object;

/** What `EventPattern` declares below a module, read off the classes: nothing is made, nothing is started. */
export function declaredHandlers(module: Type): DeclaredHandler[] {
  const handlers: DeclaredHandler[] = [];
  for (const controller of controllersOf(module)) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(controller.prototype))) {
      if (typeof value !== 'function') continue;
      const extras = Reflect.getMetadata(PATTERN_EXTRAS_METADATA, value as object) as HandlerExtras | undefined;
      const topics = (Reflect.getMetadata(PATTERN_METADATA, value as object) ?? []) as string[];
      if (extras !== undefined) handlers.push(...topics.map((topic) => ({ topic, group: extras.group, extras })));
    }
  }
  return handlers.filter(({ topic }) => topic !== EVERY_DEAD_LETTER);
}

function controllersOf(module: Type, seen = new Set<Type>()): { prototype: object }[] {
  if (seen.has(module)) return [];
  seen.add(module);
  const imports = (Reflect.getMetadata('imports', module) ?? []) as unknown[];
  // Modules that are made by a call (TypeORM's) declare no handlers of ours.
  const below = imports.filter((each): each is Type => typeof each === 'function');
  const own = (Reflect.getMetadata('controllers', module) ?? []) as { prototype: object }[];
  return [...own, ...below.flatMap((each) => controllersOf(each, seen))];
}
