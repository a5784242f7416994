import type { ClientBase } from 'pg';

const FIRST_MS = 1_000;
const LONGEST_MS = 600_000;

interface Schedule {
  pauseMs: number;
  at: number;
}

/**
 * A connection keeps the plans it made first. On a new database these were made over empty tables, and nobody is told
 * when they have grown; so they are made anew, soon at first and then ever more seldom (it costs some milliseconds).
 */
export class PlanRefresh {
  private readonly schedules = new WeakMap<ClientBase, Schedule>();

  /** To be called before a connection is used. */
  async before(client: ClientBase, now = Date.now()): Promise<void> {
    const schedule = this.schedules.get(client);
    if (schedule === undefined) {
      this.schedules.set(client, { pauseMs: FIRST_MS, at: now + FIRST_MS });
    } else if (now >= schedule.at) {
      await client.query('discard plans');
      schedule.pauseMs = Math.min(schedule.pauseMs * 2, LONGEST_MS);
      schedule.at = now + schedule.pauseMs;
    }
  }
}
