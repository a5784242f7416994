// Preloaded into a Worker (`node --import`), whose clock is then a day ahead.
import { Clock } from '../dist/src/platform/clock.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

Clock.prototype.now = () => Date.now() + DAY_MS;
