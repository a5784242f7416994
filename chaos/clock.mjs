import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRELOAD = fileURLToPath(new URL('../test/support/steered-clock.mjs', import.meta.url));
const HOUR_MS = 3_600_000;
const MOMENT_MS = 500;

/** Enough for a stack and its Workers to start. */
const START_MS = 90_000;

/**
 * The time of Workers and records, and the zone of the budget days. It is noon and stays the same day; or, where a midnight is
 * wanted, it is an hour at most ahead of the machine's, for no further does Kafka take a record's time.
 */
export class Clock {
  #offsetMs = 0;
  #zoneHours = 0;
  #file;

  /** @param {string} folder @param {number | undefined} midnightInMs from the beginning of the traffic */
  constructor(folder, midnightInMs) {
    this.#file = join(folder, 'offset-ms');
    this.#zoneHours = (midnightInMs === undefined ? 12 : 23) - new Date().getUTCHours();
    if (this.#zoneHours > 14) this.#zoneHours -= 24;
    this.#set(midnightInMs === undefined ? 0 : Math.max(0, this.#toMidnight() - midnightInMs - START_MS));
  }

  now() {
    return Date.now() + this.#offsetMs;
  }

  /** It is midnight in a moment. */
  strike() {
    this.#set(this.#offsetMs + Math.max(0, this.#toMidnight() - MOMENT_MS));
  }

  /** The budget day of a moment, `yyyy-MM-dd`. @param {number} ms */
  dayOf(ms) {
    return new Date(ms + this.#zoneHours * HOUR_MS).toISOString().slice(0, 10);
  }

  /** For the Worker. The names of these zones count the other way round. */
  get zone() {
    if (this.#zoneHours === 0) return 'Etc/UTC';
    return `Etc/GMT${this.#zoneHours > 0 ? '-' : '+'}${Math.abs(this.#zoneHours)}`;
  }

  /** For the Worker. */
  get nodeArguments() {
    return ['--import', PRELOAD];
  }

  /** For the Worker. */
  get env() {
    return { STEERED_CLOCK_FILE: this.#file, BUDGET_TIMEZONE: this.zone };
  }

  #toMidnight() {
    return HOUR_MS - (this.now() % HOUR_MS);
  }

  /** A Worker must never read half a number. */
  #set(offsetMs) {
    this.#offsetMs = Math.round(offsetMs);
    writeFileSync(`${this.#file}.new`, `${this.#offsetMs}`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
