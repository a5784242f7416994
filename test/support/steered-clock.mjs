// Preloaded into a Worker (`node --import`): its Clock goes by a file that a test writes, see steered-clock.ts. Timers and
// what does not ask the Clock stay in real time.
import { readFileSync } from 'node:fs';
import { Clock } from '../../dist/src/platform/clock.js';

const LOOK_EVERY_MS = 20;
const file = process.env.STEERED_CLOCK_FILE;

let offsetMs = Number(readFileSync(file, 'utf8'));
setInterval(() => {
  try {
    offsetMs = Number(readFileSync(file, 'utf8'));
  } catch {
    // The test is over and has taken the file away.
  }
}, LOOK_EVERY_MS).unref();

Clock.prototype.now = () => Date.now() + offsetMs;
