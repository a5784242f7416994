import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Kafka, Producer } from 'kafkajs';
import { applicationConfigOf, BareHandlers } from './bare-handlers.js';
import { registerCodecs } from './codecs.js';
import { RETRY_SUFFIX } from './dead-letter.js';
import { DeadLetterProducer } from './dead-letter-producer.js';
import { describeKafkaError } from './describe-kafka-error.js';
import type { HandlerExtras } from './event-pattern.js';
import { GroupConsumer, type GroupParts, type GroupState } from './group-consumer.js';
import { GroupStarts } from './group-starts.js';
import { HandlerRegistry } from './handler-registry.js';
import { closeProducer, createKafka, createProducer, createQuickKafka, withAdmin } from './kafka-client.js';
import { KAFKA_OPTIONS, type KafkaOptions } from './kafka-options.js';
import { TRANSPORT_LIMITS, type TransportLimits } from './limits.js';
import { TransportHooks, type PartitionLag } from './observer.js';
import { PartitionSender } from './partition-sender.js';
import type { RecordHandler } from './record-handler.js';
import { RecordTracing } from './record-tracing.js';
import type { Subscription } from './record-runner.js';
import { TopicPreparation } from './topic-preparation.js';
import { isDeadLetterTopic } from './topics.js';

/**
 * Nest's way in for Kafka records. For every group one consumer for the topics that its handlers take, and one for their
 * replays, which must not take a live record's place.
 *
 * Nest's own `ServerKafka` has neither batches nor manual commits nor dead letters.
 */
@Injectable()
export class KafkaStrategy
  extends Server
  implements CustomTransportStrategy, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  /** Nest hands a handler's error back to us instead of logging it. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly registry: HandlerRegistry;
  private readonly limits: TransportLimits;
  private readonly pingClient: Kafka;
  private readonly producer: Producer;
  private readonly preparation: TopicPreparation;
  private readonly deadLetters: DeadLetterProducer;
  private groups: GroupConsumer[] = [];
  private closed: Promise<void> | undefined;

  constructor(
    @Inject(KAFKA_OPTIONS) private readonly options: KafkaOptions,
    private readonly hooks: TransportHooks,
    private readonly starts: GroupStarts,
    private readonly modules: ModulesContainer,
    moduleRef: ModuleRef,
  ) {
    super();
    this.registry = new HandlerRegistry(new BareHandlers(applicationConfigOf(moduleRef), modules));
    this.limits = { ...TRANSPORT_LIMITS, ...options.limits };
    this.pingClient = createQuickKafka(options.connection);
    this.producer = createProducer(createKafka(options.connection));
    this.preparation = new TopicPreparation(createKafka(options.connection), options.ownTopics, starts);
    this.deadLetters = new DeadLetterProducer(new PartitionSender(this.producer), hooks, (topic) =>
      this.preparation.partitionsOf(topic),
    );
  }

  override addHandler(
    pattern: string,
    callback: MessageHandler,
    isEvent = false,
    extras: Partial<HandlerExtras> = {},
  ): void {
    // Kept by topic and group, and never chained: Nest's `next` would run the second handler inside the first.
    if (isEvent) this.registry.add(pattern, callback, extras);
  }

  /** Starts the groups and returns: they connect and join in the background, for as long as it takes. */
  listen(callback: (error?: unknown) => void): void {
    try {
      this.registry.check(this.modules);
      registerCodecs();
      this.groups = this.consumers();
      // A signal may have come while the application was still being put together.
      if (!this.isDraining) for (const group of this.groups) group.start();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Every group of the process and how it fares. */
  get states(): { group: string; state: GroupState }[] {
    return this.groups.map(({ group, state }) => ({ group, state }));
  }

  /** What the process listens to. */
  get subscriptions(): (Subscription & { group: string })[] {
    return this.registry.all.flatMap((handler) => {
      const { group, topic } = handler;
      const live = this.subscription(handler, group, topic);
      if (isDeadLetterTopic(topic)) return [live];
      return [live, this.subscription(handler, `${group}-retry`, topic + RETRY_SUFFIX)];
    });
  }

  get isDraining(): boolean {
    return this.closed !== undefined;
  }

  lags(): PartitionLag[] {
    return this.groups.flatMap((group) => group.lags());
  }

  /**
   * Resolves when a broker answers.
   *
   * @throws Error that says why none does
   */
  async ping(): Promise<void> {
    try {
      await withAdmin(this.pingClient, (admin) => admin.describeCluster());
    } catch (error) {
      throw new Error(describeKafkaError(error), { cause: error });
    }
  }

  /** Before the hooks of any module that takes its time: from now on the Worker takes no record and is not ready. */
  onModuleDestroy(): void {
    void this.close();
  }

  /** While HTTP still answers, so that an orchestrator sees the draining. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.close();
  }

  close(): Promise<void> {
    this.closed ??= this.drain();
    return this.closed;
  }

  /** Last of all: until then a record in hand may still become a dead letter. */
  async onApplicationShutdown(): Promise<void> {
    await closeProducer(this.producer);
  }

  on(): never {
    throw new Error('the Kafka transport has no events of its own: register with TransportHooks');
  }

  unwrap(): never {
    throw new Error('the Kafka transport has a client for each group: none of them stands for all');
  }

  private async drain(): Promise<void> {
    const deadline = Date.now() + this.limits.drainMs;
    await Promise.all(this.groups.map((group) => group.close(deadline)));
  }

  private subscription(handler: RecordHandler, group: string, topic: string): Subscription & { group: string } {
    return { handler, group, topic, priority: topic === this.options.firstPriorityTopic ? 'live' : 'background' };
  }

  private consumers(): GroupConsumer[] {
    const groups = new Map<string, Subscription[]>();
    for (const each of this.subscriptions) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
    const { connection, tracing, fatal } = this.options;
    const parts: GroupParts = {
      limits: this.limits,
      hooks: this.hooks,
      starts: this.starts,
      producer: this.producer,
      deadLetters: this.deadLetters,
      tracing: tracing && new RecordTracing(tracing.rootShare),
      fatal,
      createKafka: () => createKafka(connection),
      prepare: async (group, topics, signal) => {
        await this.producer.connect();
        return this.preparation.of(group, topics, signal);
      },
    };
    return [...groups].map(([group, subscriptions]) => new GroupConsumer(group, subscriptions, parts));
  }
}
