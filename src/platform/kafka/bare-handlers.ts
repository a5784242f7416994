import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { MetadataScanner, type ApplicationConfig, type ModuleRef, type ModulesContainer } from '@nestjs/core';
import { PATTERN_EXTRAS_METADATA } from '@nestjs/microservices/constants.js';
import { RpcParamtype } from '@nestjs/microservices/enums/rpc-paramtype.enum.js';
import { ErrorsToTransportFilter } from './errors-to-transport.filter.js';
import { whenHandled, type HandlerCall } from './record-handler.js';

type Method = (...args: unknown[]) => unknown;

interface Parameter {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
}

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];
const PAYLOAD_OR_CONTEXT = new RegExp(`^(${RpcParamtype.PAYLOAD}|${RpcParamtype.CONTEXT}):\\d+$`);
/** Nest's own, for a handler that decorates none. */
const PAYLOAD_ALONE = { [`${RpcParamtype.PAYLOAD}:0`]: { index: 0 } };

/**
 * The handlers with nothing around them: no guard, interceptor, pipe or filter, of their own, of their class or global, and no
 * parameters but the payload and the context. Nest's way to such a handler ends in the same call, after a dozen promises a
 * record: a quarter of all that a click allocated.
 */
export class BareHandlers {
  private readonly scanner = new MetadataScanner();

  constructor(
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
  ) {}

  /** @param extras the very object that Nest handed over with the handler; undefined where Nest's way must be taken */
  of(extras: object): HandlerCall | undefined {
    if (this.hasGlobalEnhancers()) return undefined;
    for (const instance of this.controllers()) {
      for (const name of this.scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object)) {
        const method = (instance as Record<string, unknown>)[name] as Method;
        if (Reflect.getMetadata(PATTERN_EXTRAS_METADATA, method) === extras) return bareCall(instance, name, method);
      }
    }
    return undefined;
  }

  private hasGlobalEnhancers(): boolean {
    const { config } = this;
    const ownFilter = (filter: unknown): boolean => filter instanceof ErrorsToTransportFilter;
    return (
      config.getGlobalFilters().some((filter) => !ownFilter(filter)) ||
      [
        config.getGlobalGuards(),
        config.getGlobalInterceptors(),
        config.getGlobalPipes(),
        config.getGlobalRequestGuards(),
        config.getGlobalRequestInterceptors(),
        config.getGlobalRequestPipes(),
        config.getGlobalRequestFilters(),
        config.getGlobalPreRequestHooks(),
      ].some((enhancers) => enhancers.length > 0)
    );
  }

  private *controllers(): Iterable<object> {
    for (const module of this.modules.values()) {
      for (const { instance } of module.controllers.values()) yield instance;
    }
  }
}

function bareCall(instance: object, name: string, method: Method): HandlerCall | undefined {
  const isEnhanced = ENHANCERS.some(
    (key) => Reflect.hasMetadata(key, instance.constructor) || Reflect.hasMetadata(key, method),
  );
  const declared = Reflect.getMetadata(ROUTE_ARGS_METADATA, instance.constructor, name) as object | undefined;
  const parameters = Object.entries((declared ?? PAYLOAD_ALONE) as Record<string, Parameter>);
  if (isEnhanced || !parameters.every(isPlain)) return undefined;
  const indexOf = (type: RpcParamtype): number | undefined =>
    parameters.find(([key]) => key.startsWith(`${type}:`))?.[1].index;
  const [payload, context] = [indexOf(RpcParamtype.PAYLOAD), indexOf(RpcParamtype.CONTEXT)];
  return (event, record) => {
    const args: unknown[] = [];
    if (payload !== undefined) args[payload] = event;
    if (context !== undefined) args[context] = record;
    try {
      return whenHandled(method.apply(instance, args));
    } catch (error) {
      // As if it were an async method, with whatever it threw.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      return Promise.reject(error);
    }
  };
}

function isPlain([key, { data, pipes = [], schema }]: [string, Parameter]): boolean {
  return PAYLOAD_OR_CONTEXT.test(key) && data === undefined && pipes.length === 0 && schema === undefined;
}

/** Where Nest keeps global guards and the like, which it lets nobody ask for. */
export function applicationConfigOf(moduleRef: ModuleRef): ApplicationConfig {
  return (moduleRef as unknown as { container: { applicationConfig: ApplicationConfig } }).container.applicationConfig;
}
