// Faults against a real stack under traffic, and a verdict. The seed decides which and when.
//
//   npm run chaos -- --seed 7 --minutes 3
import { parseArgs } from 'node:util';
import { prepare } from '../stack/prepare.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: `${Date.now() % 100_000}` },
    minutes: { type: 'string', default: '3' },
  },
});
const seed = number('seed', /^\d{1,9}$/);
const minutes = number('minutes', /^(?!0+(\.0+)?$)\d{1,3}(\.\d+)?$/);

await prepare({ build: true });
const { Run } = await import('./run.mjs');

/** @type {string[]} */
const timeline = [];
say(`seed ${seed}, ${minutes} min`);
process.once('exit', () => hasVerdict || process.stdout.write('ended without a verdict\n'));
let hasVerdict = false;
const run = await Run.open({ seed, lengthMs: minutes * 60_000, say });
const findings = [];
try {
  await run.wreak();
  await run.settle();
  const evidence = await run.gather();
  say(`found ${countsOf(evidence)}`);
  findings.push(...run.judge(evidence));
} catch (error) {
  findings.push(`the machine itself failed: ${error.stack}`);
}
findings.push(...(await run.close({ keepLogs: findings.length > 0 })));

const scale = `seed ${seed}, ${run.schedule.length} faults, ${run.traffic.sent.size} records`;
if (findings.length === 0) process.stdout.write(`verdict: all is right (${scale})\n`);
else {
  process.stdout.write(`\nverdict: NOT right (${scale})\n`);
  for (const finding of findings) process.stdout.write(`- ${finding}\n`);
  process.stdout.write(`logs of the Workers: ${run.rig.logs}\n\ntimeline:\n${timeline.join('\n')}\n`);
}
hasVerdict = true;
process.exitCode = findings.length === 0 ? 0 : 1;

/** @param {string} line */
function say(line) {
  timeline.push(line);
  process.stdout.write(`${line}\n`);
}

/** What the verdict is about. @param {import('./evidence.mjs').Evidence} evidence */
function countsOf({ histories, transitions, letters, alerts, removed }) {
  const of = (rows, name, value) => rows.filter((row) => row[name] === value).length;
  const counts = {
    charges: of(histories, 'type', 'DEDUCT'),
    refunds: of(histories, 'type', 'REFUND'),
    pauses: of(transitions, 'to_status', 'PAUSED'),
    resumptions: of(transitions, 'to_status', 'ACTIVE'),
    'dead letters': letters.length,
    alerts: new Set(alerts.map(({ alertId }) => alertId)).size,
    'losses told': new Set(alerts.filter(({ type }) => type === 'OFFSET_LOST').map(({ alertId }) => alertId)).size,
    'records removed': removed.length,
  };
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

/** @param {'seed' | 'minutes'} name @param {RegExp} form */
function number(name, form) {
  if (form.test(values[name])) return Number(values[name]);
  process.stderr.write(`--${name} ${values[name]}: must be a number${name === 'minutes' ? ' above zero' : ''}\n`);
  return process.exit(2);
}
