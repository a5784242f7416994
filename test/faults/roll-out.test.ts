// A rolling update as the Deployment makes it, under load: each new replica has joined before an old one is told to end.
import { describe, expect, it } from 'vitest';
import { Load, useOwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

const REPLICAS = 3;

describe('a rolling update of three replicas under load', () => {
  const own = useOwnWorld();

  it('loses no click, charges none twice, and leaves nothing uncommitted behind', async () => {
    const accounts = await Promise.all(Array.from({ length: 5 }, () => own.account()));
    const replicas: WorkerProcess[] = [];
    for (let i = 0; i < REPLICAS; i++) replicas.push(await own.startWorker());
    for (const replica of replicas) await replica.ready(120_000);
    const load = new Load(own, accounts);
    await own.chargedAtLeast(300);

    for (let i = 0; i < REPLICAS; i++) {
      replicas.push(await (await own.startWorker()).ready(120_000));
      await own.chargedAtLeast((await own.charged()) + 300);
      expect(await own.stopWorker(replicas.shift() as WorkerProcess)).toBe(0);
      expect(await own.members()).toBe(REPLICAS);
      await own.chargedAtLeast((await own.charged()) + 300);
    }
    await load.stop();

    await own.everyClickIsChargedOnce();
    const { p50, p99, max } = await own.latencies(accounts);
    process.stdout.write(`from record to row: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms\n`);
    await own.stopAllWorkers();
  }, 400_000);
});
