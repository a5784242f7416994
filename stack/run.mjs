// npm run stack [-- [--no-build] [--no-migrate] COMMAND…]
//
// Runs COMMAND with a stack of its own and exits with its status; without COMMAND prints the four variables and stays
// until it is interrupted.
import { Command } from './command.mjs';
import { prepare } from './prepare.mjs';
import { STACK_MARKER } from './processes.mjs';
import { toStderr } from './progress.mjs';
import { Stack } from './stack.mjs';

const SIGNAL_STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
// A terminal sends Ctrl-C to the whole group, and npm passes it on once more: that is one Ctrl-C, not two.
const SAME_SIGNAL_MS = 300;
const NPM_CHECK_MS = 500;

const { flags, argv } = readArguments(process.argv.slice(2));
const stack = new Stack({ migrate: !flags.has('--no-migrate') });
// Whatever this process starts, an installation too, bears the mark and ends with the stack.
process.env[STACK_MARKER] = stack.dataFolder;
/** @type {Command | undefined} */
let command;
let idle = false;
let interruptedAt = 0;

for (const signal of Object.keys(SIGNAL_STATUS)) process.on(signal, () => void interrupt(signal));
process.on('uncaughtException', (error) => void fail(error));
const alive = setInterval(endWithNpm(), NPM_CHECK_MS);

try {
  await prepare({ build: !flags.has('--no-build') });
  await stack.start();
  if (argv.length > 0) {
    command = new Command(argv, stack, toStderr);
    await finish(await command.status());
  } else {
    for (const [name, value] of Object.entries(stack.env)) process.stdout.write(`${name}=${value}\n`);
    toStderr('running until interrupted');
    idle = true;
  }
} catch (error) {
  await fail(error);
}

/** @param {NodeJS.Signals} signal */
async function interrupt(signal) {
  const again = interruptedAt > 0;
  if (again && Date.now() - interruptedAt < SAME_SIGNAL_MS) return;
  interruptedAt = Date.now();
  if (command && !again) command.end(signal);
  else await finish(idle ? 0 : SIGNAL_STATUS[signal]);
}

/** @param {Error} error */
async function fail(error) {
  if (interruptedAt > 0) return; // a consequence of taking down, which goes on
  toStderr(error.message);
  await finish(1);
}

/** @param {number} status */
async function finish(status) {
  await stack.stop();
  clearInterval(alive);
  process.exit(status);
}

function readArguments(words) {
  const flags = new Set();
  while (['--no-build', '--no-migrate', '--'].includes(words[0])) flags.add(words.shift());
  return { flags, argv: words };
}

/** npm killed by SIGKILL, or ended by a signal to its group, passes nothing on: its end shows in our having a new parent. */
function endWithNpm() {
  const parent = process.ppid;
  let ended = false;
  return () => {
    if (ended || process.env.npm_lifecycle_event !== 'stack' || process.ppid === parent) return;
    ended = true;
    void interrupt('SIGHUP');
  };
}
