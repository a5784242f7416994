// Workers are killed with -9, in the worst moments and again and again. A member that is killed holds its place in the
// group for the session time-out (30 s), so these tests take as long as a few of those.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { CLICKS, Load, useOwnWorld, type OwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

const REPEATED = new RegExp(
  `^worker_records_total\\{topic="ad-events",group="${CLICKS}",outcome="repeated"\\} (\\d+)`,
  'm',
);

describe('a Worker that is killed with -9', () => {
  const own = useOwnWorld();

  it('between the postings and the commit of their offsets: repeats are told from new clicks', async () => {
    const account = await own.account();
    const repeats = await killBeforeCommit(own, account);

    const next = await own.startWorker();
    await next.ready(90_000);
    await own.everyClickIsChargedOnce();

    expect(repeats).toBeGreaterThan(0);
    const metrics = await next.get('/metrics');
    expect(Number(REPEATED.exec(metrics.body)?.[1])).toBeGreaterThanOrEqual(repeats);
    expect(await own.stopWorker(next)).toBe(0);
  }, 180_000);

  it('again and again, one of two and both at once, while thousands of clicks come in: each is charged once', async () => {
    const accounts = await Promise.all(Array.from({ length: 5 }, () => own.account()));
    let replicas = [await own.startWorker(), await own.startWorker()];
    await Promise.all(replicas.map((worker) => worker.ready(60_000)));
    const load = new Load(own, accounts);

    for (const round of [[0], [1], [0, 1]]) {
      await progress(own);
      replicas = await killAndReplace(own, replicas, round);
      // The newcomer waits for the dead one's place in the group: it is killed while it joins.
      await eventually(
        'the newcomer lives',
        60_000,
        async () => (await replicas[round[0] ?? 0]?.get('/health/live'))?.status === 200,
      );
      replicas = await killAndReplace(own, replicas, [round[0] ?? 0]);
    }
    await progress(own, 120_000);
    await load.stop();
    await own.everyClickIsChargedOnce({ withinMs: 150_000 });

    expect(load.written).toBeGreaterThan(3_000);
    await Promise.all(replicas.map((worker) => worker.ready(60_000)));
    expect(await Promise.all(replicas.map((worker) => own.stopWorker(worker)))).toEqual([0, 0]);
  }, 400_000);
});

/** Kills a Worker in the tenth of a second between rows and commit; returns how many rows have no commit yet. */
async function killBeforeCommit(own: OwnWorld, account: Awaited<ReturnType<OwnWorld['account']>>): Promise<number> {
  const worker = await own.startWorker();
  await worker.ready(60_000);
  await own.click([account], 3_000);
  await eventually('the first rows are there', 30_000, async () => (await own.charged()) > 0);
  await own.stopWorker(worker, 'SIGKILL');
  return own.chargedButNotCommitted();
}

/** Clicks are being charged. */
async function progress(own: OwnWorld, withinMs = 120_000): Promise<void> {
  await own.chargedAtLeast((await own.charged()) + 100, withinMs);
}

async function killAndReplace(own: OwnWorld, replicas: WorkerProcess[], which: number[]): Promise<WorkerProcess[]> {
  return Promise.all(
    replicas.map(async (worker, i) => {
      if (!which.includes(i)) return worker;
      await own.stopWorker(worker, 'SIGKILL');
      return own.startWorker();
    }),
  );
}
