import { Test } from '@nestjs/testing';
import type { INestApplication, Provider, Type } from '@nestjs/common';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { CONFIG } from '../../src/config/config.module.js';
import { loadConfig } from '../../src/config/config.js';
import { Clock } from '../../src/platform/clock.js';
import { KAFKA_OPTIONS, type KafkaOptions } from '../../src/platform/kafka/kafka-options.js';
import { KafkaModule } from '../../src/platform/kafka/kafka.module.js';
import { KafkaStrategy } from '../../src/platform/kafka/kafka.strategy.js';
import type { TransportLimits } from '../../src/platform/kafka/limits.js';
import { TransportHooks } from '../../src/platform/kafka/observer.js';
import { eventually } from './eventually.js';

/** A replica with a capability that a test defines: the real transport on real Kafka, and nothing else of the Worker. */
export class CapabilityReplica {
  private constructor(
    readonly app: INestApplication,
    readonly transport: KafkaStrategy,
    readonly hooks: TransportHooks,
    /** Why the process would have ended. */
    readonly fatal: Error[],
  ) {}

  static async start(
    env: Readonly<Record<string, string>>,
    capability: { controllers: Type[]; providers?: Provider[]; imports?: Type[] },
    options: {
      limits?: Partial<TransportLimits>;
      ownTopics?: string[];
      firstPriorityTopic?: string;
      clock?: Clock;
    } = {},
  ): Promise<CapabilityReplica> {
    const config = loadConfig({ ...env });
    const fatal: Error[] = [];
    const kafkaOptions: KafkaOptions = {
      connection: config.kafka,
      firstPriorityTopic: options.firstPriorityTopic ?? 'ad-events',
      ownTopics: options.ownTopics ?? [],
      limits: options.limits ?? {},
      fatal: (error) => fatal.push(error),
    };
    const { imports = [], ...parts } = capability;
    const building = Test.createTestingModule({ imports: [KafkaModule, ...imports], ...parts })
      .overrideProvider(CONFIG)
      .useValue(config)
      .overrideProvider(KAFKA_OPTIONS)
      .useValue(kafkaOptions);
    if (options.clock !== undefined) building.overrideProvider(Clock).useValue(options.clock);
    const module = await building.compile();
    const app = module.createNestApplication({ logger: false });
    const transport = app.get(KafkaStrategy);
    app.connectMicroservice<MicroserviceOptions>({ strategy: transport }, { inheritAppConfig: true });
    try {
      await app.startAllMicroservices();
      await app.init();
    } catch (error) {
      await app.close();
      throw error;
    }
    return new CapabilityReplica(app, transport, app.get(TransportHooks), fatal);
  }

  async joined(withinMs = 30_000): Promise<this> {
    await eventually('every group has joined', withinMs, () =>
      this.transport.states.every(({ state }) => state === 'joined'),
    );
    return this;
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}
