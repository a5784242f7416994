import type { Attributes } from '@opentelemetry/api';

/**
 * What a span says of the topic that it reads or writes.
 *
 * @param operation by name and type, as https://opentelemetry.io/docs/specs/semconv/messaging/ has them
 */
export function messagingAttributes(
  operation: { readonly name: string; readonly type: string },
  topic: string,
  partition?: number,
): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': operation.name,
    'messaging.operation.type': operation.type,
    'messaging.destination.name': topic,
    ...(partition !== undefined && { 'messaging.destination.partition.id': String(partition) }),
  };
}

export const POLL = { name: 'poll', type: 'receive' };
export const PROCESS = { name: 'process', type: 'process' };
export const SEND = { name: 'send', type: 'send' };
