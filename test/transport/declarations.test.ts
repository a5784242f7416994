// Handlers that cannot work as they are declared stop the start, each with a line that says what is wrong.
import { Controller, Injectable, Scope, type Type } from '@nestjs/common';
import { EventPattern as NestEventPattern, Payload } from '@nestjs/microservices';
import { Type as Nested } from 'class-transformer';
import { ValidateNested } from 'class-validator';
import { describe, expect, inject, it } from 'vitest';
import { IsId } from '../../src/platform/events/event-fields.js';
import { EventPattern } from '../../src/platform/kafka/event-pattern.js';
import { CapabilityReplica } from '../support/capability.js';
import { uniqueName } from '../support/fixtures.js';
import { aDeadLetterListener, aListener } from '../support/transport.js';

const [TOPIC, GROUP] = [uniqueName('topic'), uniqueName('group')];

@Controller()
class WithoutGroup {
  // Without the type argument Nest's first overload is taken, which types the payload by a map of all topics.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-arguments
  @NestEventPattern<string>(TOPIC)
  on(@Payload() _value: Buffer): Promise<void> {
    return Promise.resolve();
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

@Controller()
class RequestScoped {
  constructor(readonly perRequest: PerRequest) {}

  @EventPattern(TOPIC, { group: GROUP })
  on(@Payload() _value: Buffer): Promise<void> {
    return Promise.resolve();
  }
}

class Inner {
  @IsId() readonly id!: bigint;
}

class Outer {
  @ValidateNested() @Nested(() => Inner) readonly inner!: Inner;
}

@Controller()
class WithNesting {
  @EventPattern(TOPIC, { group: GROUP })
  on(@Payload() _event: Outer): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
class WithDeadEvents {
  @EventPattern(`${TOPIC}.dlq`, { group: GROUP })
  on(@Payload() _event: Inner): Promise<void> {
    return Promise.resolve();
  }
}

const listener = (topic: string, group: string): Type => aListener({ topic, group }, () => undefined);

describe('a start is refused', () => {
  it.each<[string, Type[], string]>([
    ['for a handler without a group', [WithoutGroup], `the handler of ${TOPIC} names no group`],
    ['for an empty group', [listener(TOPIC, '')], `the handler of ${TOPIC} names no group`],
    [
      'for two handlers of one topic in one group',
      [listener(TOPIC, GROUP), listener(TOPIC, GROUP)],
      `two handlers take ${TOPIC} in group ${GROUP}`,
    ],
    [
      'for two handlers of every dead letter in one group',
      [
        listener(TOPIC, GROUP),
        aDeadLetterListener('dead', () => undefined),
        aDeadLetterListener('dead', () => undefined),
      ],
      `two handlers take ${TOPIC}.dlq in group dead`,
    ],
    [
      'for a handler of dead letters that takes an event',
      [WithDeadEvents],
      `the event of ${TOPIC}.dlq: a dead letter may be anything: its handler takes a Buffer`,
    ],
    [
      'for a handler of replays',
      [listener(`${TOPIC}.retry`, GROUP)],
      `a handler takes ${TOPIC}.retry: replays go to the handlers of ${TOPIC}`,
    ],
    [
      'for a controller that is made for each request',
      [RequestScoped],
      'RequestScoped depends on a request-scoped provider',
    ],
    ['for an event class with nested validation', [WithNesting], `the event of ${TOPIC}: `],
  ])('%s', async (_why, controllers, message) => {
    const start = CapabilityReplica.start(inject('world').env, { controllers, providers: [PerRequest] });

    await expect(start).rejects.toThrow(message);
  });

  it('with every fault at once', async () => {
    const controllers = [WithoutGroup, RequestScoped];
    const start = CapabilityReplica.start(inject('world').env, { controllers, providers: [PerRequest] });

    await expect(start).rejects.toThrow(/names no group[^]*\n[^]*request-scoped/);
  });
});
