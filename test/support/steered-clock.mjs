// Preloaded into a Worker (`node --import`): its Clock goes by a file that a test writes, see steered-clock.ts. Timers and
// what does not ask the Clock stay in real time.
import { readFileSync } from 'node:fs';
import { Clock } from '../../dist/src/platform/clock.js';

const file = process.env.STEERED_CLOCK_FILE;

let offsetMs = Number(readFileSync(file, 'utf8'));

/** Read each time it is asked: a click may be charged within a millisecond of the test's setting the time. */
Clock.prototype.now = () => {
  try {
    offsetMs = Number(readFileSync(file, 'utf8'));
  } catch {
    // The test is over and has taken the file away.
  }
  return Date.now() + offsetMs;
};
