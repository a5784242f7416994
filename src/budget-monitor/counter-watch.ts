import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { counterKey } from '../campaigns/redis-keys.js';
import { Clock } from '../platform/clock.js';
import { Coalescer } from '../platform/coalescer.js';
import { DatabaseLifecycle } from '../platform/database/database-lifecycle.js';
import { Patrols } from '../platform/database/patrols.js';
import type { Patrol } from '../platform/patrol.js';
import { UnusableValues } from '../platform/redis/unusable-values.js';
import type { BudgetDay } from './budget-calendar.js';
import { counterCounts, readCounter } from './budget-decision.js';
import { BUDGET_OPTIONS, type BudgetOptions } from './budget-options.js';
import { findBaselines, keepCounters, type Baseline, type SeenCounter } from './counters.sql.js';

/** A counter that was seen is in the database after so long; one that dies with its replica leaves the one before. */
const KEEP_EVERY_MS = 5_000;
const KEEP_AT_ONCE = 500;
/** The Worker has ten seconds to stop, and a database that hangs would use up four of them. */
const KEEP_AT_END_MS = 1_000;
/** Campaigns whose counters wait to be kept; beyond that the rest waits for the next time it is seen. */
const MOST_WAITING = 100_000;
/** Campaigns whose counter is known to count today, or not to count for the moment. */
const MOST_KNOWN = 50_000;
const STALE_IS_LOOKED_UP_AFTER_MS = 2_000;

const NOTHING_KNOWN: Baseline = { lastYesterday: null, isReset: false };

interface Known {
  readonly date: string;
  readonly counts: boolean;
  readonly at: number;
}

/**
 * Tells today's Redis counters from yesterday's that still stand there: keeps the last one seen each day with the
 * campaign's `daily_spend`, and that a lower one was seen today, for all replicas.
 */
@Injectable()
export class CounterWatch implements BeforeApplicationShutdown {
  private readonly seen = new Map<bigint, SeenCounter>();
  private readonly known = new Map<bigint, Known>();
  private readonly baselines = new Map<string, Coalescer<bigint, Baseline>>();
  private readonly patrol: Patrol;

  constructor(
    private readonly database: DataSource,
    private readonly lifecycle: DatabaseLifecycle,
    private readonly clock: Clock,
    private readonly unusable: UnusableValues,
    @Inject(BUDGET_OPTIONS) private readonly options: BudgetOptions,
    patrols: Patrols,
  ) {
    this.patrol = patrols.add(KEEP_EVERY_MS, 'counters not kept', () => this.keepAll());
  }

  /** Once more for what was seen since the last round; what cannot be kept leaves the counter before it. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.patrol.stop();
    if (!this.lifecycle.isReady) return;
    const kept = this.keepAll().catch(() => undefined);
    await Promise.race([kept, pause(KEEP_AT_END_MS, undefined, { ref: false })]);
  }

  /** Remembers that a campaign's counter stood so in Redis, on a day that its click was charged to. */
  saw(campaignId: bigint, date: string, text: string): void {
    const before = this.seen.get(campaignId);
    if (before === undefined && this.seen.size >= MOST_WAITING) return;
    const isSameDay = before?.date === date;
    if (isSameDay && before.text === text) return;
    const last = readCounter(text);
    if (last === null) {
      this.unusable.found(counterKey(campaignId), text);
      return;
    }
    const lowest = isSameDay && before.lowest < last ? before.lowest : last;
    this.seen.set(campaignId, { campaignId, date, text, last, lowest });
  }

  /** Whether a counter may be believed today; `today` is the day that it was seen on. */
  async counts(campaignId: bigint, today: BudgetDay, counter: bigint): Promise<boolean> {
    const now = this.clock.now();
    const isGrace = now - today.startsAt < this.options.graceMs;
    if (isGrace) return false;
    const known = this.known.get(campaignId);
    if (known?.date === today.date && (known.counts || now - known.at < STALE_IS_LOOKED_UP_AFTER_MS))
      return known.counts;
    const { lastYesterday, isReset } = await this.baselinesOf(today.date).get(campaignId);
    const counts = counterCounts({
      counter: this.lowestSeen(campaignId, today.date, counter),
      isGrace,
      lastYesterday,
      isReset,
    });
    this.remember(campaignId, { date: today.date, counts, at: now });
    return counts;
  }

  private lowestSeen(campaignId: bigint, date: string, counter: bigint): bigint {
    const seen = this.seen.get(campaignId);
    return seen?.date === date && seen.lowest < counter ? seen.lowest : counter;
  }

  private remember(campaignId: bigint, known: Known): void {
    this.known.delete(campaignId);
    this.known.set(campaignId, known);
    const [oldest] = this.known.keys();
    if (this.known.size > MOST_KNOWN && oldest !== undefined) this.known.delete(oldest);
  }

  private baselinesOf(date: string): Coalescer<bigint, Baseline> {
    const before = this.baselines.get(date);
    if (before !== undefined) return before;
    this.baselines.clear(); // of another day
    const created = new Coalescer<bigint, Baseline>(async (ids) => {
      const found = await findBaselines(this.database, date, ids);
      return ids.map((id) => found.get(id) ?? NOTHING_KNOWN);
    });
    this.baselines.set(date, created);
    return created;
  }

  /** What fails is kept for the next time: nothing is lost but the time. */
  private async keepAll(): Promise<void> {
    const all = [...this.seen.values()];
    for (let at = 0; at < all.length; at += KEEP_AT_ONCE) await this.keep(all.slice(at, at + KEEP_AT_ONCE));
  }

  private async keep(counters: readonly SeenCounter[]): Promise<void> {
    const kept = await keepCounters(this.database, counters);
    for (const each of counters) {
      // What was seen meanwhile waits for the next time, and so does what somebody held.
      if (kept.has(each.campaignId) && this.seen.get(each.campaignId) === each) this.seen.delete(each.campaignId);
    }
  }
}
