import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { LedgerHooks, type LedgerObserver } from '../ledger/ledger-hooks.js';
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

  constructor(registry: MetricsRegistry, hooks: LedgerHooks) {
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
    for (const type of TYPES) {
      this.postings.inc({ type }, 0);
      this.amount.inc({ type }, 0);
    }
    hooks.observe(this);
  }

  posted(type: Posting['type'], count: number, amount: string): void {
    this.postings.inc({ type }, count);
    this.amount.inc({ type }, Number(amount));
  }

  group(size: number): void {
    this.groupSize.observe(size);
  }
}
