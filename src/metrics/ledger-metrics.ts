import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { CALL_FAILURES, LedgerHooks, type CallFailure, type LedgerObserver } from '../ledger/ledger-hooks.js';
import { PartitionUpkeep } from '../ledger/partition-upkeep.js';
import type { Posting } from '../ledger/posting.js';
import { MetricsRegistry } from './metrics-registry.js';

const GROUP_SIZE_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 3_000];
const TYPES = ['DEDUCT', 'REFUND'] as const;

/** What the ledger posted. The amount is for graphs and alerts, and rounded as metrics are; the books are in the database. */
@Injectable()
export class LedgerMetrics implements LedgerObserver {
  private readonly postings: Counter<'type'>;
  private readonly amount: Counter<'type'>;
  private readonly groupSize: Histogram;
  private readonly callFailures: Counter<'cause'>;

  constructor(registry: MetricsRegistry, hooks: LedgerHooks, upkeep: PartitionUpkeep) {
    const registers = [registry];
    this.postings = new Counter({
      name: 'worker_ledger_postings_total',
      help: 'New postings',
      labelNames: ['type'],
      registers,
    });
    this.amount = new Counter({
      name: 'worker_ledger_amount_total',
      help: 'Money of new postings',
      labelNames: ['type'],
      registers,
    });
    this.groupSize = new Histogram({
      name: 'worker_ledger_group_size',
      help: 'Postings that one call to the database answered',
      buckets: GROUP_SIZE_BUCKETS,
      registers,
    });
    this.callFailures = new Counter({
      name: 'worker_ledger_call_failures_total',
      help: 'Calls of the ledger to the database that failed as a whole; their postings are tried again',
      labelNames: ['cause'],
      registers,
    });
    new Gauge({
      name: 'worker_ledger_partitions_end_timestamp_seconds',
      help: 'Up to when each month of the histories has a partition of its own; 0 until the Worker has looked',
      registers,
      collect() {
        this.set(upkeep.coveredUntil / 1_000);
      },
    });
    for (const type of TYPES) {
      this.postings.inc({ type }, 0);
      this.amount.inc({ type }, 0);
    }
    for (const cause of CALL_FAILURES) this.callFailures.inc({ cause }, 0);
    hooks.observe(this);
  }

  posted(type: Posting['type'], count: number, amount: string): void {
    this.postings.inc({ type }, count);
    this.amount.inc({ type }, Number(amount));
  }

  group(size: number): void {
    this.groupSize.observe(size);
  }

  callFailed(cause: CallFailure): void {
    this.callFailures.inc({ cause });
  }
}
