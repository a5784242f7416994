import { setTimeout as pause } from 'node:timers/promises';
import { WorkerProcess } from '../stack/worker-process.mjs';
import { LOG_FILE } from './bed.mjs';
import { Flood } from './flood.mjs';

const WARM_UP = 2_000;
const WARM_UP_SECONDS = 8;
const SEND_EVERY_MS = 5;
const LOOK_EVERY_MS = 2;
const DRAIN_MS = 15_000;

/**
 * Clicks at a fixed rate, whatever becomes of them; each is timed from just before it is sent until its row can be seen.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {{ rate: number, seconds: number, redisHung?: boolean, refunds?: number, alerts?: number }} options
 *   with `redisHung` Redis stops answering, without closing anything, after the first tenth; `refunds` are queued before the
 *   Worker starts; so many `alerts` come in the first five seconds
 */
export async function latency(bed, { rate, seconds, redisHung = false, refunds = 0, alerts = 0 }) {
  await bed.startGroupsHere();
  const refundedBefore = await bed.refunded();
  await bed.queueRefunds(refunds, `refund-${refundedBefore}`);
  await bed.tidy();
  const flood = await Flood.open();
  const worker = await WorkerProcess.start(bed.stack, LOG_FILE, { env: alerts > 0 ? flood.env : {} });
  try {
    const before = await warmUp(bed, rate);
    const sent = new Map();
    const total = rate * seconds;
    const begin = performance.now();
    const hanging = redisHung ? setTimeout(() => bed.stack.redis.freeze(), seconds * 100) : undefined;
    const clickOf = (n) => {
      const eventId = `timed-${before}-${n}`;
      sent.set(eventId, performance.now());
      return bed.click(n, eventId);
    };
    const flooding = flood.send(bed, alerts);
    const sending = sendAtRate(bed, clickOf, rate, total);
    const took = await watch(bed, sent, total, begin + seconds * 1_000 + DRAIN_MS);
    await Promise.all([sending, flooding]);
    clearTimeout(hanging);
    const elapsed = performance.now() - begin;
    const refunded = (await bed.refunded()) - refundedBefore;
    const sorted = took.toSorted((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
    return {
      ...{ p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) },
      ...{ reached: (took.length * 1_000) / elapsed, refunded, messages: flood.messages },
    };
  } finally {
    if (redisHung) bed.stack.redis.thaw();
    await worker.end('SIGTERM');
    await flood.close();
  }
}

/**
 * Lets a fresh Worker charge clicks that are not timed, at once and then at the rate: what runs for the first time is compiled
 * meanwhile. Returns how many clicks are charged then.
 */
export async function warmUp(bed, rate) {
  const before = await bed.charged();
  const click = (n) => bed.click(n, `warm-${before}-${n}`);
  await bed.produce(Array.from({ length: WARM_UP }, (_, n) => click(n)));
  await sendAtRate(bed, click, rate, rate * WARM_UP_SECONDS);
  const after = before + WARM_UP + rate * WARM_UP_SECONDS;
  await bed.reach(after, DRAIN_MS);
  return after;
}

/** Sends `total` clicks at a fixed rate, whatever becomes of them, or until `signal`; resolves with how many it sent. */
export async function sendAtRate(bed, clickOf, rate, total, signal) {
  const begin = performance.now();
  const sends = [];
  let next = 0;
  for (; next < total && !signal?.aborted; await pause(SEND_EVERY_MS)) {
    const due = Math.min(total, 1 + Math.floor(((performance.now() - begin) * rate) / 1_000));
    const messages = [];
    for (; next < due; next++) messages.push(clickOf(next));
    if (messages.length > 0) sends.push(bed.produce(messages));
  }
  await Promise.all(sends);
  return next;
}

/** Looks for rows that were not there before. Ids become visible out of order: those passed over are asked for again. */
async function watch(bed, sent, total, deadline) {
  const { rows } = await bed.database.query('select max(id)::text as last from ad_balance_histories');
  let last = BigInt(rows[0].last ?? 0);
  const holes = new Set();
  const took = [];
  while (took.length < total && performance.now() < deadline) {
    const found = await bed.database.query(
      `select id::text, event_id from ad_balance_histories where id > $1 or id = any($2::bigint[])`,
      [last, [...holes]],
    );
    const now = performance.now();
    const ids = found.rows.map(({ id }) => BigInt(id));
    const highest = ids.reduce((most, id) => (id > most ? id : most), last);
    for (let id = last + 1n; id <= highest; id++) holes.add(id);
    for (const id of ids) holes.delete(id);
    last = highest;
    for (const { event_id: eventId } of found.rows) {
      const at = sent.get(eventId);
      if (at !== undefined) took.push(now - at);
      sent.delete(eventId);
    }
    await pause(LOOK_EVERY_MS);
  }
  return took;
}
