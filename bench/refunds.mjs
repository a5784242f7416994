import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../stack/polling.mjs';
import { WorkerProcess } from '../stack/worker-process.mjs';
import { LOG_FILE } from './bed.mjs';
import { warmUp } from './latency.mjs';

const WARM_UP = 200;
const DRAIN_MS = 15_000;

/**
 * Refunds one by one at a fixed rate, with nothing queued; each is timed from its record to its row.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {{ rate: number, seconds: number }} options
 */
export async function refunds(bed, { rate, seconds }) {
  const paid = (count) =>
    until(async () => (await bed.refunded()) >= count, { deadlineMs: DRAIN_MS, waitingFor: `${count} refunds` });
  await bed.startGroupsHere();
  await bed.tidy();
  const worker = await WorkerProcess.start(bed.stack, LOG_FILE);
  try {
    await warmUp(bed, 500);
    const before = await bed.refunded();
    await bed.queueRefunds(WARM_UP, `warm-${before}`);
    await paid(before + WARM_UP);
    const total = rate * seconds;
    const prefix = `single-${before}`;
    const begin = performance.now();
    const sends = [];
    for (let n = 0; n < total; n++) {
      await pause(Math.max(0, begin + (n * 1_000) / rate - performance.now()));
      sends.push(bed.produce([bed.refund(n, `${prefix}-${n}`)], 'compensation-events'));
    }
    await Promise.all(sends);
    await paid(before + WARM_UP + total);
    return await bed.recordToRow('idempotency_key', `compensation:${prefix}-`);
  } finally {
    await worker.end('SIGTERM');
  }
}
