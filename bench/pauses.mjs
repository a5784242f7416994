import { setTimeout as pause } from 'node:timers/promises';
import { WorkerProcess } from '../stack/worker-process.mjs';
import { LOG_FILE } from './bed.mjs';
import { sendAtRate, warmUp } from './latency.mjs';

const WATCHED = 400;
const LEAST_BUDGET = 10;
const BUDGETS = 40;
const LOOK_EVERY_MS = 2;
const DRAIN_MS = 60_000;

/**
 * Half of the clicks go to campaigns whose budgets they use up, each at another moment. Timed is from the timestamp of the
 * click that crossed a budget until the pause can be seen; counted is what was charged above the budgets for clicks from before
 * that, which the ad server could not know better than to serve.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {{ rate: number, round: number }} options
 */
export async function pauses(bed, { rate, round }) {
  const first = 1_000_000 + round * WATCHED;
  await bed.addCampaigns(first, WATCHED, (i) => LEAST_BUDGET + (i % BUDGETS));
  await bed.startGroupsHere();
  await bed.tidy();
  const worker = await WorkerProcess.start(bed.stack, LOG_FILE);
  try {
    const before = await warmUp(bed, rate);
    const total = 2 * WATCHED * (LEAST_BUDGET + BUDGETS);
    const seen = new Map();
    const watching = watch(bed, seen, first, performance.now() + (total / rate) * 1_000 + DRAIN_MS);
    const clickOf = (n) =>
      n % 2 === 0 ? bed.clickOf(first + ((n / 2) % WATCHED), `pause-${n}`) : bed.click(n, `other-${n}`);
    await sendAtRate(bed, clickOf, rate, total);
    await bed.reach(before + total, DRAIN_MS);
    await watching;
    return await figures(bed, seen);
  } finally {
    await worker.end('SIGTERM');
  }
}

async function watch(bed, seen, first, deadline) {
  while (seen.size < WATCHED && performance.now() < deadline) {
    const { rows } = await bed.database.query(
      `select id::text from campaigns where status = 'PAUSED' and id >= $1 and id < $2 and id <> all ($3::bigint[])`,
      [first, first + WATCHED, [...seen.keys()]],
    );
    const now = Date.now();
    for (const { id } of rows) seen.set(id, now);
    await pause(LOOK_EVERY_MS);
  }
}

async function figures(bed, seen) {
  const ids = [...seen.keys()];
  const { rows } = await bed.database.query(
    `select extract(epoch from min(recorded_at)) * 1000 as crossed, sum(above)::float8 as above, seen::float8, budget::float8
     from (select h.campaign_id, h.recorded_at, s.seen, c.daily_budget as budget,
                  sum(h.amount) over (partition by h.campaign_id order by h.id) as spent,
                  case when extract(epoch from h.recorded_at) * 1000 < s.seen then h.amount else 0 end as above
           from unnest($1::bigint[], $2::bigint[]) s (id, seen)
           join campaigns c using (id) join ad_balance_histories h on h.campaign_id = c.id) h
     where spent >= budget
     group by campaign_id, seen, budget`,
    [ids, ids.map((id) => seen.get(id))],
  );
  const sorted = rows.map(({ crossed, seen }) => seen - Number(crossed)).toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
  // The click that crosses is within its budget: every click costs 1.
  const overspend = sum(({ above }) => Math.max(0, above - 1)) / sum(({ budget }) => budget);
  return { p50: at(0.5), p99: at(0.99), most: at(1), paused: rows.length, watched: WATCHED, overspend };
}
