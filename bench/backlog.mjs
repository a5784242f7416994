import { WorkerProcess } from '../stack/worker-process.mjs';
import { LOG_FILE } from './bed.mjs';

const DEADLINE_MS = 300_000;

/**
 * How fast the Worker works off a backlog, between the first and the last tenth of it: nobody pays for the start-up.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {number} events
 */
export async function backlog(bed, events) {
  await bed.startGroupsHere();
  const before = await bed.charged();
  await bed.produce(Array.from({ length: events }, (_, n) => bed.click(n, `backlog-${before}-${n}`)));
  await bed.tidy();
  const worker = await WorkerProcess.start(bed.stack, LOG_FILE);
  try {
    await bed.reach(before + events * 0.1, DEADLINE_MS);
    const [from, begin, cpu] = [
      await bed.charged(),
      performance.now(),
      await worker.metric('process_cpu_seconds_total'),
    ];
    await bed.reach(before + events, DEADLINE_MS);
    const took = performance.now() - begin;
    const clicks = before + events - from;
    return {
      rate: (clicks * 1_000) / took,
      cpuMicros: (((await worker.metric('process_cpu_seconds_total')) - cpu) * 1e6) / clicks,
      rssMiB: Math.round((await worker.metric('process_resident_memory_bytes')) / 2 ** 20),
    };
  } finally {
    await worker.end('SIGTERM');
  }
}
