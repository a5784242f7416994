// What goes wrong and when: nothing but the seed and the length decide it.
import { Random } from './random.mjs';

export const REPLICAS = 3;
/** One of them, chosen by the seed; and all of them. */
const ANY_REPLICA = 'any replica';
const ALL_REPLICAS = Array.from({ length: REPLICAS }, (_, i) => `replica ${i + 1}`);

/**
 * Every kind of fault: what it takes hold of, so that no two fight over one thing, and the least and most seconds that it
 * lasts; zero for what is over at once.
 *
 * @type {Readonly<Record<string, { on: string[], lasts: [number, number] }>>}
 */
export const KINDS = {
  'replica-killed': { on: [ANY_REPLICA], lasts: [0, 0] },
  'replica-terminated': { on: [ANY_REPLICA], lasts: [0, 0] },
  'replica-paused': { on: [ANY_REPLICA], lasts: [2, 40] },
  'replica-joins': { on: ['one more replica'], lasts: [8, 25] },
  'redis-hangs': { on: ['Redis'], lasts: [2, 10] },
  'redis-emptied': { on: ['Redis'], lasts: [3, 10] },
  'redis-slow': { on: ['Redis'], lasts: [4, 12] },
  'redis-cut-off': { on: ['Redis'], lasts: [2, 10] },
  'redis-full-of-nonsense': { on: ['Redis'], lasts: [4, 12] },
  'redis-answers-garbage': { on: ['Redis'], lasts: [3, 8] },
  'postgres-hangs': { on: ['Postgres'], lasts: [2, 12] },
  'postgres-restarted': { on: ['Postgres'], lasts: [0, 0] },
  'postgres-crashed': { on: ['Postgres'], lasts: [0, 0] },
  'postgres-slow': { on: ['Postgres'], lasts: [5, 12] },
  'postgres-cut-off': { on: ['Postgres'], lasts: [2, 10] },
  'postgres-silent': { on: ['Postgres'], lasts: [3, 15] },
  'postgres-read-only': { on: ['Postgres'], lasts: [3, 12] },
  'connections-terminated': { on: ['Postgres'], lasts: [0, 0] },
  'connections-used-up': { on: ['Postgres'], lasts: [3, 10] },
  'login-refused': { on: ['Postgres'], lasts: [3, 10] },
  'grant-missing': { on: ['Postgres'], lasts: [3, 10] },
  'advertiser-locked': { on: ['Postgres'], lasts: [4, 20] },
  'campaigns-locked': { on: ['Postgres'], lasts: [4, 12] },
  'kafka-hangs': { on: ['Kafka'], lasts: [2, 12] },
  'kafka-slow': { on: ['Kafka'], lasts: [5, 12] },
  'kafka-cut-off': { on: ['Kafka'], lasts: [2, 10] },
  'kafka-silent': { on: ['Kafka'], lasts: [3, 15] },
  'kafka-restarted': { on: ['Kafka'], lasts: [0, 0] },
  'kafka-crashed': { on: ['Kafka'], lasts: [0, 0] },
  'partition-added': { on: ['Kafka'], lasts: [0, 0] },
  'topic-truncated': { on: ['Kafka', ...ALL_REPLICAS], lasts: [3, 6] },
  'slack-down': { on: ['Slack'], lasts: [3, 12] },
  midnight: { on: ['the clock'], lasts: [0, 0] },
};

/** The first fault comes when traffic has got going; then one every few seconds. */
const FIRST_MS = 3_000;
const GAP_MS = [1_500, 5_500];
/** What was hurt has so long until it is hurt again. */
const REST_MS = 4_000;

/**
 * @typedef {object} Fault
 * @property {string} kind
 * @property {string[]} on what it takes hold of
 * @property {number} atMs from the beginning
 * @property {number} forMs
 * @property {number} dice below one, for what the kind has to choose
 */

/**
 * Each kind comes once before any comes again; midnight comes once. All are over by the end.
 *
 * @param {number} seed
 * @param {number} lengthMs
 * @returns {Fault[]} in the order of their beginnings
 */
export function scheduleOf(seed, lengthMs) {
  const random = new Random(seed);
  /** @type {Map<string, number>} */
  const freeFrom = new Map();
  /** @type {Fault[]} */
  const faults = [];
  let bag = random.shuffled(Object.keys(KINDS));
  for (let now = FIRST_MS; now < lengthMs; now += random.between(...GAP_MS)) {
    if (bag.length === 0) bag = random.shuffled(Object.keys(KINDS).filter((kind) => kind !== 'midnight'));
    const kind = /** @type {string} */ (bag.pop());
    const fault = faultOf(kind, random);
    const atMs = Math.max(now, ...fault.on.map((thing) => freeFrom.get(thing) ?? 0));
    if (atMs + fault.forMs > lengthMs) continue;
    for (const thing of fault.on) freeFrom.set(thing, atMs + fault.forMs + REST_MS);
    faults.push({ ...fault, atMs });
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}

/** @param {string} kind @param {Random} random */
function faultOf(kind, random) {
  const { on, lasts } = KINDS[kind];
  const [least, most] = lasts.map((seconds) => seconds * 1_000);
  const replica = random.pick(ALL_REPLICAS);
  return {
    kind,
    on: on.map((thing) => (thing === ANY_REPLICA ? replica : thing)),
    forMs: random.between(least, most),
    dice: random.next(),
  };
}
