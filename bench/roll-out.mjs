import { setTimeout as pause } from 'node:timers/promises';
import { WorkerProcess } from '../stack/worker-process.mjs';
import { LOG_FILE, RECORD_TO_ROW_MS } from './bed.mjs';
import { sendAtRate, warmUp } from './latency.mjs';

/** What the Deployment asks for: so long a new replica must have been ready before an old one is told to end. */
const MIN_READY_MS = 10_000;
const DRAIN_MS = 60_000;

/**
 * Clicks at a fixed rate while replicas come and go; each is timed from its record to its row, by the clocks of client and
 * database, which are one here.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {{ rate: number, replicas: number, steps: string, minReadyMs?: number }} options
 *   `steps`: `+` starts a replica and waits until it is ready, `-` ends the oldest one
 */
export async function rollOut(bed, { rate, replicas, steps, minReadyMs = MIN_READY_MS }) {
  await bed.startGroupsHere();
  await bed.tidy();
  const start = () => WorkerProcess.start(bed.stack, LOG_FILE);
  const running = await Promise.all(Array.from({ length: replicas }, start));
  try {
    const before = await warmUp(bed, rate);
    const prefix = `roll-out-${before}-`;
    const stop = new AbortController();
    const sending = sendAtRate(bed, (n) => bed.click(n, `${prefix}${n}`), rate, Infinity, stop.signal);
    const moments = [];
    await pause(minReadyMs / 2);
    for (const step of steps) {
      moments.push({ step, at: Date.now() });
      if (step === '+') running.push(await start());
      else await running.shift().end('SIGTERM');
      await pause(step === '+' ? minReadyMs : minReadyMs / 2);
    }
    stop.abort();
    const total = await sending;
    await bed.reach(before + total, DRAIN_MS);
    return { total, ...(await bed.recordToRow('event_id', prefix)), worst: await worstOf(bed, prefix, moments) };
  } finally {
    await Promise.all(running.map((worker) => worker.end('SIGTERM')));
  }
}

/** The longest that a click took after each step and before the next. */
async function worstOf(bed, prefix, moments) {
  const { rows } = await bed.database.query(
    `select step, max(ms)::float8 as ms
     from unnest($2::text[], $3::float8[], $4::float8[]) with ordinality m (step, since, until, place)
     join (select extract(epoch from recorded_at) * 1000 as at, ${RECORD_TO_ROW_MS} as ms
           from ad_balance_histories where event_id like $1 || '%') l on at >= since and at < until
     group by place, step order by place`,
    [
      prefix,
      moments.map(({ step }) => step),
      moments.map(({ at }) => at),
      moments.map((_, i) => moments[i + 1]?.at ?? Number.MAX_SAFE_INTEGER),
    ],
  );
  return rows;
}
