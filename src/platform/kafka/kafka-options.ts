import type { KafkaConnection } from './kafka-client.js';
import type { TransportLimits } from './limits.js';

export const KAFKA_OPTIONS = Symbol('KAFKA_OPTIONS');

export interface KafkaOptions {
  readonly connection: KafkaConnection;
  /** Its records are `live`: they go before everything else. */
  readonly firstPriorityTopic: string;
  /** Topics that the Worker writes itself, besides `.dlq` and `.retry`: it makes them, and reads them from the start. */
  readonly ownTopics: readonly string[];
  /** The transport makes spans: of this share of the records that come without a trace. */
  readonly tracing?: { readonly rootShare: number } | undefined;
  /** Shorter limits, for tests. */
  readonly limits?: Partial<TransportLimits>;
  /** What to do when the process cannot go on. */
  readonly fatal: (error: Error) => void;
}
