import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';
import { DEAD_LETTER_SUFFIX } from './dead-letter.js';
import type { RecordedStarts } from './assignment-starts.js';
import type { GroupStarts } from './group-starts.js';
import { withAdmin } from './kafka-client.js';
import { createCompanions, ensureOwnTopic, isCompanion, isOwnTopic, partitionCount } from './topics.js';

const LOOK_AGAIN_MS = 1_000;
const SAY_AGAIN_MS = 30_000;

/** Sees to it that a group's topics exist before it subscribes: one that is missing would fail the subscription. */
export class TopicPreparation {
  private readonly logger = new Logger(TopicPreparation.name);
  private readonly partitions = new Map<string, number>();

  constructor(
    private readonly kafka: Kafka,
    private readonly ownTopics: readonly string[],
    private readonly starts: GroupStarts,
  ) {}

  /** How many partitions a dead-letter topic has; known once its group was prepared. */
  partitionsOf(topic: string): number {
    return this.partitions.get(topic) ?? 1;
  }

  /**
   * Makes what is missing and is the Worker's to make, waits for what is not, and decides where the group starts. A group
   * waits for all of its topics: a single one that is missing would fail the subscription of the others too.
   */
  async of(group: string, topics: readonly string[], signal: AbortSignal): Promise<RecordedStarts> {
    return withAdmin(this.kafka, async (admin) => {
      const starts = new Map<string, Map<number, number>>();
      for (const topic of topics) starts.set(topic, await this.prepare(admin, group, topic, signal));
      return starts;
    });
  }

  private async prepare(admin: Admin, group: string, topic: string, signal: AbortSignal): Promise<Map<number, number>> {
    if (this.ownTopics.includes(topic)) await ensureOwnTopic(admin, topic);
    const count = await this.waitFor(admin, topic, signal);
    if (!isCompanion(topic)) await this.companions(admin, topic, count);
    const from = isOwnTopic(topic, this.ownTopics) ? 'earliest' : 'latest';
    return this.starts.decide({ kafka: this.kafka, admin }, group, topic, from);
  }

  private async companions(admin: Admin, topic: string, count: number): Promise<void> {
    await createCompanions(admin, topic, count);
    const deadLetters = topic + DEAD_LETTER_SUFFIX;
    this.partitions.set(deadLetters, (await partitionCount(admin, deadLetters)) ?? count);
  }

  private async waitFor(admin: Admin, topic: string, signal: AbortSignal): Promise<number> {
    // The group of its origin makes a companion in a moment, or says itself what it waits for.
    for (let saidAt = isCompanion(topic) ? Date.now() : -Infinity; ;) {
      const count = await partitionCount(admin, topic);
      if (count !== undefined) return count;
      if (Date.now() - saidAt > SAY_AGAIN_MS) {
        saidAt = Date.now();
        this.logger.warn({ msg: `waiting for topic ${topic}, which its writer makes`, topic });
      }
      await pause(LOOK_AGAIN_MS, undefined, { signal });
    }
  }
}
