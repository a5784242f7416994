import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { BudgetHooks, type BudgetObserver } from '../budget-monitor/budget-hooks.js';
import { MetricsRegistry } from './metrics-registry.js';

/** Around what is wanted: a pause within 100 ms. */
const PAUSE_BUCKETS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 5, 30];

/** How fast campaigns are paused, and what was charged above their budgets meanwhile. */
@Injectable()
export class BudgetMetrics implements BudgetObserver {
  private readonly latency: Histogram;
  private readonly overspend: Counter;

  constructor(registry: MetricsRegistry, hooks: BudgetHooks) {
    const registers = [registry];
    this.latency = new Histogram({
      name: 'worker_pause_latency_seconds',
      help: "From the timestamp of the click that crossed a campaign's budget to the committed pause",
      buckets: PAUSE_BUCKETS,
      registers,
    });
    this.overspend = new Counter({
      name: 'worker_budget_overspend_total',
      help: 'Money charged above daily budgets',
      registers,
    });
    hooks.observe(this);
  }

  paused(latencyMs: number): void {
    this.latency.observe(Math.max(0, latencyMs) / 1_000);
  }

  overspent(amount: string): void {
    this.overspend.inc(Number(amount));
  }
}
