import { Controller, type Type } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import { DeadLetterPattern } from '../../src/platform/kafka/dead-letter-pattern.js';
import { EventPattern } from '../../src/platform/kafka/event-pattern.js';
import type { TransportLimits } from '../../src/platform/kafka/limits.js';
import { RecordContext } from '../../src/platform/kafka/record-context.js';
import { CapabilityReplica } from './capability.js';
import { eventually } from './eventually.js';
import { uniqueName } from './fixtures.js';
import type { ReadRecord } from './kafka.js';
import { World } from './world.js';

/** A topic and the group that listens to it. */
export interface Channel {
  readonly topic: string;
  readonly group: string;
}

/** What a test's handler does with a record's value. */
export type Handle = (value: string, record: RecordContext) => Promise<void> | void;

export type HandleDeadLetter = (value: Buffer | null, record: RecordContext) => Promise<void> | void;

export interface ReplicaOptions {
  readonly limits?: Partial<TransportLimits>;
  readonly ownTopics?: string[];
  /** More handlers of the same replica. */
  readonly beside?: readonly (readonly [Channel, Handle])[];
  /** A handler of every dead letter, in this group. */
  readonly deadLetters?: readonly [group: string, HandleDeadLetter];
}

/** Short waits, so that joins and ends take no longer than they must. */
const QUICK: Partial<TransportLimits> = { fetchWaitMs: 50, drainMs: 3_000, handOverMs: 200, heartbeatMs: 200 };

/** A capability with one handler, which gets the bytes of every record. */
export function aListener({ topic, group }: Channel, handle: Handle): Type {
  @Controller()
  class Listener {
    @EventPattern(topic, { group })
    async onRecord(@Payload() value: Buffer, @Ctx() record: RecordContext): Promise<void> {
      await handle(value.toString(), record);
    }
  }
  return Listener;
}

/** A handler of every dead letter of its replica; what its record holds is in the context. */
export function aDeadLetterListener(group: string, handle: HandleDeadLetter): Type {
  @Controller()
  class DeadLetterListener {
    @DeadLetterPattern({ group })
    async onDeadLetter(@Payload() value: Buffer | null, @Ctx() record: RecordContext): Promise<void> {
      await handle(value, record);
    }
  }
  return DeadLetterListener;
}

/** Topics of the shared stack, and in-process replicas that read them; every replica is closed after its test. */
export class Transport {
  readonly world = new World(inject('world').env);
  readonly admin: Admin = this.world.topics.kafka.admin();
  private readonly replicas: CapabilityReplica[] = [];

  async open(): Promise<void> {
    await Promise.all([this.world.open(), this.admin.connect()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.world.close(), this.admin.disconnect()]);
  }

  async channel(options: { partitions?: number; config?: Readonly<Record<string, string>> } = {}): Promise<Channel> {
    const channel = { topic: uniqueName('topic'), group: uniqueName('group') };
    const entries = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }));
    await this.world.topics.create(channel.topic, options.partitions, entries);
    return channel;
  }

  /** Starts a replica and returns before it has joined. */
  async start(
    channel: Channel,
    handle: Handle,
    { limits, ownTopics, beside = [], deadLetters }: ReplicaOptions = {},
  ): Promise<CapabilityReplica> {
    const controllers = [[channel, handle] as const, ...beside].map((each) => aListener(...each));
    if (deadLetters !== undefined) controllers.push(aDeadLetterListener(...deadLetters));
    const replica = await CapabilityReplica.start(
      this.world.env,
      { controllers },
      { limits: { ...QUICK, ...limits }, ...(ownTopics && { ownTopics }) },
    );
    this.replicas.push(replica);
    return replica;
  }

  async replica(channel: Channel, handle: Handle, options: ReplicaOptions = {}): Promise<CapabilityReplica> {
    return (await this.start(channel, handle, options)).joined();
  }

  async closeReplicas(): Promise<void> {
    await Promise.all(this.replicas.splice(0).map((replica) => replica.close()));
  }

  produce(topic: string, values: readonly string[], partition = 0) {
    return this.world.produce(topic, values, { partition });
  }

  settled({ topic, group }: Channel, withinMs?: number): Promise<void> {
    return this.world.topics.settled(group, topic, withinMs);
  }

  deadLetters({ topic }: Channel): Promise<ReadRecord[]> {
    return this.world.topics.read(`${topic}.dlq`);
  }

  /** The offset that the group goes on from; 0 also where it has committed none yet. */
  async committed({ topic, group }: Channel, partition = 0): Promise<number> {
    return Number((await this.world.topics.committed(group, topic)).get(partition) ?? 0);
  }

  /** A client of its own: one that was asked about a topic is of no use while that topic is away. */
  async administer<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.world.topics.kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async members({ group }: Channel): Promise<string[]> {
    const { groups } = await this.admin.describeGroups([group]);
    return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId));
  }
}

export function useTransport(): Transport {
  const transport = new Transport();
  beforeAll(() => transport.open());
  afterEach(() => transport.closeReplicas());
  afterAll(() => transport.close());
  return transport;
}

/** Handlers wait at a gate until a test opens it. */
export class Gate {
  waiting = 0;
  private readonly opened: Promise<void>;
  open!: () => void;

  constructor() {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  async pass(): Promise<void> {
    this.waiting++;
    await this.opened;
    this.waiting--;
  }
}

export function stateOf(replica: CapabilityReplica, { group }: Channel): string | undefined {
  return replica.transport.states.find((each) => each.group === group)?.state;
}

export function inState(replica: CapabilityReplica, channel: Channel, state: string, withinMs = 20_000): Promise<void> {
  return eventually(`${channel.group} is ${state}`, withinMs, () => stateOf(replica, channel) === state);
}

export const numbered = (prefix: string, count: number, first = 0): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${first + index}`);
