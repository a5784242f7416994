// The performance figures, with their ceiling in the same run: what one client gets out of the posting function alone on the
// same database. Rates differ from machine to machine; the ratios within one run are what counts.
//
//   npm run bench                    three rounds, some minutes
//   npm run bench -- --quick         one short round, about a minute, without the roll-out
//   npm run bench -- --events 300000 --rounds 5 --rates 500,4000,10000
import { parseArgs } from 'node:util';
import { prepare } from '../stack/prepare.mjs';
import { startStack } from '../stack/stack.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    events: { type: 'string' },
    rounds: { type: 'string' },
    rates: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const events = wholeNumber('events', values.quick ? 50_000 : 200_000);
const rounds = wholeNumber('rounds', values.quick ? 1 : 3);
const seconds = wholeNumber('seconds', values.quick ? 5 : 15);
const refunds = values.quick ? 20_000 : 200_000;
const rates = (values.rates ?? '500,4000').split(',').map(Number);

await prepare({ build: true });
const { Bed } = await import('./bed.mjs');
const { ceiling } = await import('./ceiling.mjs');
const { backlog } = await import('./backlog.mjs');
const { latency } = await import('./latency.mjs');
const { pauses } = await import('./pauses.mjs');
const { refunds: refundsAlone } = await import('./refunds.mjs');
const { rollOut } = await import('./roll-out.mjs');

const REFUND_RATE = 100;
const ALERTS = 10_000;

const stack = await startStack();
const bed = await Bed.open(stack);
try {
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    const most = await ceiling(bed, events);
    const worker = await backlog(bed, events);
    results.push({ most, worker });
    say(
      `round ${round}  posting function alone ${perSecond(most.rate)}   Worker ${perSecond(worker.rate)}   ` +
        `ratio ${(worker.rate / most.rate).toFixed(2)}   Node ${worker.cpuMicros.toFixed(0)} µs a click, ${worker.rssMiB} MiB`,
    );
  }
  const ratio = median(results.map(({ most, worker }) => worker.rate / most.rate));
  say(`throughput: ${ratio.toFixed(2)} of the posting function alone (median of ${rounds})`);
  for (const rate of rates) {
    sayLatency(`at ${rate} clicks/s`, await latency(bed, { rate, seconds }));
  }
  const [lowest] = rates;
  sayLatency(`at ${lowest} clicks/s while Redis hangs`, await latency(bed, { rate: lowest, seconds, redisHung: true }));
  const priority = await latency(bed, { rate: lowest, seconds, refunds });
  const queued = refunds.toLocaleString('en');
  sayLatency(`priority: at ${lowest} clicks/s while ${queued} refunds are queued`, priority);
  say(`  of which ${priority.refunded.toLocaleString('en')} were paid by the end`);
  const flooded = await latency(bed, { rate: lowest, seconds, alerts: ALERTS });
  sayLatency(
    `at ${lowest} clicks/s while ${ALERTS.toLocaleString('en')} alerts of three causes come in five seconds`,
    flooded,
  );
  say(`  of which Slack was sent ${flooded.messages} messages by the end`);
  const alone = await refundsAlone(bed, { rate: REFUND_RATE, seconds });
  say(
    `refunds at ${REFUND_RATE}/s with none queued, from record to row: ` +
      `p50 ${ms(alone.p50)}  p95 ${ms(alone.p95)}  p99 ${ms(alone.p99)}  max ${ms(alone.most)}`,
  );
  for (const [round, rate] of rates.entries()) {
    const { p50, p99, most, paused, watched, overspend } = await pauses(bed, { rate, round });
    say(
      `pauses at ${rate} clicks/s, from the click that crosses a budget to the visible pause: ` +
        `p50 ${ms(p50)}  p99 ${ms(p99)}  max ${ms(most)}  (${paused} of ${watched}); ` +
        `charged above the budgets meanwhile: ${(overspend * 100).toFixed(2)} %`,
    );
  }
  if (!values.quick) {
    const changes = { 'rolling update of 3 replicas': [3, '+-+-+-'], 'from 1 replica to 3 and back': [1, '++--'] };
    for (const [what, [replicas, steps]] of Object.entries(changes)) {
      sayRollOut(what, await rollOut(bed, { rate: 300, replicas, steps }));
    }
  }
} finally {
  await bed.close();
  await stack.stop();
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

function wholeNumber(name, fallback) {
  const number = Number(values[name] ?? fallback);
  if (Number.isInteger(number) && number > 0) return number;
  process.stderr.write(`--${name} ${values[name]}: must be a whole number above zero\n`);
  return process.exit(2);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function perSecond(rate) {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

function ms(value) {
  return `${value.toFixed(1)} ms`;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
