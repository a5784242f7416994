import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { KafkaStrategy } from '../platform/kafka/kafka.strategy.js';
import { TransportHooks, type LostOffsets, type TransportObserver } from '../platform/kafka/observer.js';
import { RECORD_OUTCOMES, type RecordOutcome } from '../platform/kafka/record-context.js';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';
import { MetricsRegistry } from './metrics-registry.js';

/** Seconds; closest around the 50 ms that a click may take. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.075, 0.1, 0.25, 0.5, 1, 5, 30, 300];
const PARTITION_LABELS = ['topic', 'partition', 'group'] as const;

/** A group's settled records of a topic since the last look: a click pays for an addition, the look for the labels. */
interface Tally {
  readonly counts: Record<RecordOutcome, number>;
  readonly latency: { observe: (seconds: number) => void };
}

/** What the transport did, record by record. */
@Injectable()
export class TransportMetrics implements TransportObserver, OnApplicationBootstrap {
  private readonly records: Counter<'topic' | 'group' | 'outcome'>;
  private readonly latency: Histogram<'topic'>;
  private readonly retries: Counter<'group' | 'cause'>;
  private readonly haltedGroups: Gauge<'group'>;
  private readonly lost: Counter<'topic' | 'partition'>;
  /** By topic and group. */
  private readonly tallies = new Map<string, Map<string, Tally>>();

  constructor(
    registry: MetricsRegistry,
    private readonly transport: KafkaStrategy,
    hooks: TransportHooks,
  ) {
    const registers = [registry];
    const { tallies } = this;
    this.records = new Counter({
      name: 'worker_records_total',
      help: 'Records that were settled, by how they ended',
      labelNames: ['topic', 'group', 'outcome'],
      registers,
      collect() {
        for (const [topic, groups] of tallies) {
          for (const [group, { counts }] of groups) {
            for (const outcome of RECORD_OUTCOMES) {
              this.inc({ topic, group, outcome }, counts[outcome]);
              counts[outcome] = 0;
            }
          }
        }
      },
    });
    this.latency = new Histogram({
      name: 'worker_record_latency_seconds',
      help: "From a record's timestamp until it was settled",
      labelNames: ['topic'],
      buckets: LATENCY_BUCKETS,
      registers,
    });
    this.retries = new Counter({
      name: 'worker_retries_total',
      help: 'Attempts that failed and will be repeated',
      labelNames: ['group', 'cause'],
      registers,
    });
    this.haltedGroups = new Gauge({
      name: 'worker_consumer_halted',
      help: '1 while a consumer has halted because its records fail one after the other',
      labelNames: ['group'],
      registers,
    });
    this.lost = new Counter({
      name: 'worker_offsets_lost_total',
      help: 'Offsets that retention removed before they were read',
      labelNames: ['topic', 'partition'],
      registers,
      collect() {
        // At 0 from the assignment on: only then is it known which partitions there are.
        for (const { topic, partition } of transport.lags()) this.inc({ topic, partition }, 0);
      },
    });
    this.lagGauges(registry);
    hooks.observe(this);
  }

  /** Present, at 0, from the start. */
  onApplicationBootstrap(): void {
    for (const { group, topic } of this.transport.subscriptions) {
      for (const outcome of RECORD_OUTCOMES) this.records.inc({ topic, group, outcome }, 0);
      for (const cause of ['transient', 'unclassified']) this.retries.inc({ group, cause }, 0);
      this.haltedGroups.set({ group }, 0);
      this.latency.zero({ topic });
    }
  }

  settled(record: RecordCoordinates, group: string, outcome: RecordOutcome): void {
    const { topic, timestamp } = record;
    const tally = this.tallies.get(topic)?.get(group) ?? this.newTally(topic, group);
    tally.counts[outcome]++;
    tally.latency.observe(Math.max(0, (Date.now() - timestamp) / 1000));
  }

  retried(group: string, cause: 'transient' | 'unclassified'): void {
    this.retries.inc({ group, cause });
  }

  halted(group: string, halted: boolean): void {
    this.haltedGroups.set({ group }, halted ? 1 : 0);
  }

  offsetsLost({ topic, partition, from, to }: LostOffsets): void {
    this.lost.inc({ topic, partition }, to - from);
  }

  private newTally(topic: string, group: string): Tally {
    const groups = this.tallies.get(topic) ?? new Map<string, Tally>();
    const counts = { posted: 0, handled: 0, repeated: 0, skipped: 0, dead: 0 };
    const tally = { counts, latency: this.latency.labels({ topic }) };
    this.tallies.set(topic, groups.set(group, tally));
    return tally;
  }

  private lagGauges(registry: MetricsRegistry): void {
    const lags = () => this.transport.lags();
    for (const [name, help, unit] of [
      ['worker_lag_records', 'How many records the group is behind', 'records'],
      ['worker_lag_seconds', 'Age of the oldest record that is not settled', 'seconds'],
    ] as const) {
      new Gauge({
        name,
        help,
        labelNames: PARTITION_LABELS,
        registers: [registry],
        collect() {
          // A partition that went to another replica is that one's to report.
          this.reset();
          for (const { topic, partition, group, ...lag } of lags()) this.set({ topic, partition, group }, lag[unit]);
        },
      });
    }
  }
}
