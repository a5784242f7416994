// The performance figures, with their ceiling in the same run: what one client gets out of the posting function alone on the
// same database, and out of a bare insert. Rates differ from machine to machine; the ratios within one run are what counts:
// they are held against those of bench/expected.json. All of it is drawn in docs/bench.svg.
//
//   npm run bench                    three rounds, some minutes
//   npm run bench -- --quick         one short round, without the roll-out
//   npm run bench -- --events 300000 --rounds 5 --rates 500,4000,10000
//   npm run bench -- --accept        its ratios are what the next runs are held against
//   npm run bench -- replicas        what a group locks, and what more Workers give: docs/scale.md
import { parseArgs } from 'node:util';
import { prepare } from '../stack/prepare.mjs';
import { startStack } from '../stack/stack.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    accept: { type: 'boolean', default: false },
    events: { type: 'string' },
    rounds: { type: 'string' },
    rates: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const [part = 'all', ...others] = positionals;
if (!['all', 'replicas'].includes(part) || others.length > 0)
  refuse(`${positionals.join(' ')}: there is only "replicas"`);
const events = wholeNumber('events', values.quick ? 50_000 : 200_000);
const plan = {
  kind: values.quick ? 'quick' : 'full',
  events,
  rounds: wholeNumber('rounds', values.quick ? 1 : 3),
  seconds: wholeNumber('seconds', values.quick ? 5 : 15),
  refunds: values.quick ? 20_000 : 200_000,
  rates: (values.rates ?? '500,4000').split(',').map(Number),
};

await prepare({ build: true });
const { Bed } = await import('./bed.mjs');
const { measure } = await import('./measure.mjs');
const { holdAgainstExpected } = await import('./guard.mjs');
const { measureReplicas, STACK_FOR_REPLICAS } = await import('./replicas.mjs');

const stack = await startStack(part === 'replicas' ? STACK_FOR_REPLICAS : {});
const bed = await Bed.open(stack);
try {
  if (part === 'replicas') await measureReplicas(bed, events);
  else holdAgainstExpected(await measure(bed, plan), values.accept);
} finally {
  await bed.close();
  await stack.stop();
}

function wholeNumber(name, fallback) {
  const number = Number(values[name] ?? fallback);
  if (Number.isInteger(number) && number > 0) return number;
  return refuse(`--${name} ${values[name]}: must be a whole number above zero`);
}

function refuse(why) {
  process.stderr.write(`${why}\n`);
  return process.exit(2);
}
