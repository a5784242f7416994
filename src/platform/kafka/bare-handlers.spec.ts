import {
  Catch,
  Controller,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type PipeTransform,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, ModuleRef, ModulesContainer } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { PATTERN_EXTRAS_METADATA } from '@nestjs/microservices/constants.js';
import { Test } from '@nestjs/testing';
import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { applicationConfigOf, BareHandlers } from './bare-handlers.js';
import { ErrorsToTransportFilter } from './errors-to-transport.filter.js';
import { EventPattern } from './event-pattern.js';
import type { RecordContext } from './record-context.js';

const EVENT = { n: 1 };
const RECORD = { topic: 'topic' } as unknown as RecordContext;
const subscribed = EventPattern('topic', { group: 'group' });

class Anything {
  canActivate = (): boolean => true;
  intercept = (): unknown => of(1);
  transform = (value: unknown): unknown => value;
}
const pipe: PipeTransform = { transform: (value: unknown) => value };

@Catch()
class SomeFilter {
  catch(): void {}
}

/** What a controller's handler is called by; undefined where Nest's way must be taken. */
async function bareCallOf(controller: Type<{ on: (...args: never[]) => unknown }>, providers: Provider[] = []) {
  const module = await Test.createTestingModule({ controllers: [controller], providers }).compile();
  const app = module.createNestApplication({ logger: false });
  await app.init();
  const bare = new BareHandlers(applicationConfigOf(app.get(ModuleRef)), app.get(ModulesContainer));
  const call = bare.of(
    Reflect.getMetadata(PATTERN_EXTRAS_METADATA, (controller.prototype as { on: object }).on) as object,
  );
  await app.close();
  return call;
}

@Controller()
class Plain {
  private readonly seen: unknown[] = [];
  @subscribed
  on(@Payload() event: object, @Ctx() record: RecordContext): Promise<void> {
    this.seen.push(event, record);
    return Promise.resolve(this.seen as never);
  }
}

@Controller()
class TurnedRound {
  @subscribed
  on(@Ctx() record: RecordContext, @Payload() event: object): Promise<void> {
    return Promise.resolve([event, record] as never);
  }
}

@Controller()
class Undecorated {
  @subscribed
  on(...args: never[]): Promise<void> {
    return Promise.resolve(args as never);
  }
}

@Controller()
class Throwing {
  @subscribed
  on(): Promise<void> {
    throw new Error('at once');
  }
}

@Controller()
class Streaming {
  @subscribed
  on(): Promise<void> {
    return of('first', 'last') as never;
  }
}

@Controller()
@UseGuards(Anything)
class GuardedClass {
  @subscribed
  on(@Payload() _event: object): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
class GuardedMethod {
  @UseGuards(Anything)
  @subscribed
  on(@Payload() _event: object): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
class Intercepted {
  @UseInterceptors(Anything)
  @subscribed
  on(@Payload() _event: object): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
@UsePipes(Anything)
class Piped {
  @subscribed
  on(@Payload() _event: object): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
class PipedParameter {
  @subscribed
  on(@Payload(pipe) _event: object): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
class PartOfThePayload {
  @subscribed
  on(@Payload('n') _n: object): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
@UseFilters(SomeFilter)
class Filtered {
  @subscribed
  on(@Payload() _event: object): Promise<void> {
    return Promise.resolve();
  }
}

describe('a handler with nothing around it', () => {
  it('is called directly, on its controller, with the parameters where it wants them', async () => {
    expect(await (await bareCallOf(Plain))?.(EVENT, RECORD)).toEqual([EVENT, RECORD]);
    expect(await (await bareCallOf(TurnedRound))?.(EVENT, RECORD)).toEqual([EVENT, RECORD]);
    expect(await (await bareCallOf(Undecorated))?.(EVENT, RECORD)).toEqual([EVENT]);
  });

  it('rejects where it throws, and is done when a stream that it answers ends', async () => {
    await expect((await bareCallOf(Throwing))?.(EVENT, RECORD)).rejects.toThrow('at once');
    expect(await (await bareCallOf(Streaming))?.(EVENT, RECORD)).toBe('last');
  });

  it("may have the transport's own filter before it, which hands errors back as they are", async () => {
    const filter = { provide: APP_FILTER, useClass: ErrorsToTransportFilter };

    expect(await bareCallOf(Plain, [filter])).toBeDefined();
  });
});

describe("Nest's way is taken", () => {
  it.each([GuardedClass, GuardedMethod, Intercepted, Piped, PipedParameter, PartOfThePayload, Filtered])(
    'to the handler of %o',
    async (controller) => {
      expect(await bareCallOf(controller)).toBeUndefined();
    },
  );

  it.each([
    ['guard', { provide: APP_GUARD, useClass: Anything }],
    ['interceptor', { provide: APP_INTERCEPTOR, useClass: Anything }],
    ['pipe', { provide: APP_PIPE, useClass: Anything }],
    ['filter', { provide: APP_FILTER, useClass: SomeFilter }],
  ])('where there is a global %s', async (_what, provider) => {
    expect(await bareCallOf(Plain, [provider])).toBeUndefined();
  });
});
