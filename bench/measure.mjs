import { backlog } from './backlog.mjs';
import { bareInsert } from './bare-insert.mjs';
import { ceiling, oneAlone } from './ceiling.mjs';
import { latency } from './latency.mjs';
import { pauses } from './pauses.mjs';
import { refunds } from './refunds.mjs';
import { grouped, overRounds } from './results.mjs';
import { rollOut } from './roll-out.mjs';
import { ms, perSecond, say } from './say.mjs';

const REFUND_RATE = 100;
const ALERTS = 10_000;
const ROLL_OUTS = { 'rolling update of 3 replicas': [3, '+-+-+-'], 'from 1 replica to 3 and back': [1, '++--'] };

/**
 * Measures all, and says each figure as soon as it is known.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {{ kind: 'quick' | 'full', events: number, rounds: number, seconds: number, refunds: number, rates: number[] }} plan
 * @returns {Promise<import('./results.mjs').Results>}
 */
export async function measure(bed, plan) {
  const throughput = await measureThroughput(bed, plan);
  return {
    kind: plan.kind,
    ...throughput,
    latency: await measureLatency(bed, plan),
    refunds: await measureRefunds(bed, plan),
    pauses: await measurePauses(bed, plan),
    rollOuts: plan.kind === 'quick' ? [] : await measureRollOuts(bed),
    grown: await measureGrowth(bed, plan, throughput),
  };
}

async function measureThroughput(bed, { events, rounds }) {
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    const bare = await bareInsert(bed, events);
    const alone = await ceiling(bed, events);
    const worker = await backlog(bed, events);
    results.push({ bare, alone, worker: worker.rate });
    say(
      `round ${round}  bare insert ${perSecond(bare)}   posting function alone ${perSecond(alone)}   Worker ${perSecond(worker.rate)}   ` +
        `Node ${worker.cpuMicros.toFixed(0)} µs a click, ${worker.rssMiB} MiB`,
    );
  }
  const shares = { rounds: results };
  const ofAlone = overRounds(shares, ({ worker, alone }) => worker / alone);
  const ofBare = overRounds(shares, ({ worker, bare }) => worker / bare);
  say(
    `throughput: ${ofAlone.toFixed(2)} of the posting function alone, ${ofBare.toFixed(2)} of a bare insert (median of ${rounds})`,
  );
  return { rounds: results, oneAlone: await measureOneAlone(bed) };
}

async function measureOneAlone(bed) {
  const took = await oneAlone(bed);
  say(`posting function alone, a single click: p50 ${ms(took)}`);
  return took;
}

async function measureLatency(bed, { rates, seconds, refunds: queued }) {
  const [lowest] = rates;
  const measured = [];
  const at = async (rate, strain, options = {}) => {
    const took = await latency(bed, { rate, seconds, ...options });
    sayLatency(`at ${rate} clicks/s${strain === undefined ? '' : `, ${strain}`}`, took);
    measured.push({ rate, p50: took.p50, p99: took.p99, ...(strain === undefined ? {} : { strain }) });
    return took;
  };
  for (const rate of rates) await at(rate);
  await at(lowest, 'Redis hangs', { redisHung: true });
  const priority = await at(lowest, `${grouped(queued)} refunds wait`, { refunds: queued });
  say(`  of which ${grouped(priority.refunded)} were paid by the end`);
  const flooded = await at(lowest, `${grouped(ALERTS)} alerts in 5 s`, { alerts: ALERTS });
  say(`  of which Slack was sent ${flooded.messages} messages by the end`);
  return measured;
}

async function measureRefunds(bed, { seconds }) {
  const { p50, p95, p99, most } = await refunds(bed, { rate: REFUND_RATE, seconds });
  say(
    `refunds at ${REFUND_RATE}/s with none queued, from record to row: ` +
      `p50 ${ms(p50)}  p95 ${ms(p95)}  p99 ${ms(p99)}  max ${ms(most)}`,
  );
  return { rate: REFUND_RATE, p50, p99 };
}

async function measurePauses(bed, { rates }) {
  const measured = [];
  for (const [round, rate] of rates.entries()) {
    const { p50, p99, most, paused, watched, overspend } = await pauses(bed, { rate, round });
    say(
      `pauses at ${rate} clicks/s, from the click that crosses a budget to the visible pause: ` +
        `p50 ${ms(p50)}  p99 ${ms(p99)}  max ${ms(most)}  (${paused} of ${watched}); ` +
        `charged above the budgets meanwhile: ${(overspend * 100).toFixed(2)} %`,
    );
    measured.push({ rate, p50, p99 });
  }
  return measured;
}

async function measureRollOuts(bed) {
  const measured = [];
  for (const [what, [replicas, steps]] of Object.entries(ROLL_OUTS)) {
    const took = await rollOut(bed, { rate: 300, replicas, steps });
    sayRollOut(what, took);
    measured.push({ what, p50: took.p50, p99: took.p99 });
  }
  return measured;
}

/** Whether the posting function is as fast with all that this run has written. */
async function measureGrowth(bed, { events }, { rounds }) {
  const rows = await bed.charged();
  const bare = await bareInsert(bed, events);
  const alone = await ceiling(bed, events);
  const before = overRounds({ rounds }, (round) => round.alone / round.bare);
  say(
    `growth: posting function alone ${perSecond(alone)} with ${grouped(rows)} clicks charged, ` +
      `${(alone / bare).toFixed(2)} of a bare insert, ${before.toFixed(2)} before`,
  );
  return { rows, bare, alone };
}

function sayLatency(when, { p50, p95, p99, most, reached }) {
  say(
    `latency ${when}, from send to visible row: ` +
      `p50 ${ms(p50)}  p95 ${ms(p95)}  p99 ${ms(p99)}  max ${ms(most)}  (${perSecond(reached)} reached)`,
  );
}

function sayRollOut(what, { p50, p99, p999, most, charged, total, over, worst }) {
  say(
    `${what} at 300 clicks/s, from record to row: p50 ${ms(p50)}  p99 ${ms(p99)}  p99.9 ${ms(p999)}  max ${ms(most)}, ` +
      `${((over * 100) / total).toFixed(2)} % above 1 s  (${charged} of ${total} charged)`,
  );
  say(
    `  longest after each start (+) and end (-): ${worst.map(({ step, ms: took }) => `${step} ${ms(took)}`).join('  ')}`,
  );
}
