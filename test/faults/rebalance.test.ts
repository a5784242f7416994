// The group is shared out anew while clicks come in: replicas come and go, and one hangs for so long that another takes
// its partitions over, then goes on with what it has in hand. Both then work on the same records.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Load, useOwnWorld } from '../support/own-world.js';
import { CLICKS } from '../support/own-world.js';

describe('replicas of the Worker', () => {
  const own = useOwnWorld();

  it('come and go under load: each click is charged once', async () => {
    const accounts = await Promise.all(Array.from({ length: 3 }, () => own.account()));
    let replicas = [await (await own.startWorker()).ready(60_000)];
    const load = new Load(own, accounts);

    for (let round = 0; round < 4; round++) {
      const newcomer = await own.startWorker();
      await newcomer.ready(60_000);
      replicas.push(newcomer);
      await own.chargedAtLeast((await own.charged()) + 100);
      if (replicas.length < 3) continue;
      const [oldest, ...others] = replicas;
      replicas = others;
      if (oldest !== undefined) expect(await own.stopWorker(oldest)).toBe(0);
    }
    await own.chargedAtLeast((await own.charged()) + 100);
    await load.stop();

    await own.everyClickIsChargedOnce();
    expect(await Promise.all(replicas.map((worker) => own.stopWorker(worker)))).toEqual([0, 0]);
  }, 240_000);

  it('that hang for longer than their session and then wake up charge nothing twice and commit nothing backwards', async () => {
    const accounts = await Promise.all(Array.from({ length: 3 }, () => own.account()));
    const [sleeper, other] = [await own.startWorker(), await own.startWorker()];
    await Promise.all([sleeper.ready(60_000), other.ready(60_000)]);
    const load = new Load(own, accounts, 60);
    await own.chargedAtLeast((await own.charged()) + 300);

    sleeper.signal('SIGSTOP');
    const partitionsOfOther = (): number => Number(joins(other.lines)?.length);
    await eventually('the other one has all partitions', 90_000, () => partitionsOfOther() === 3);
    await own.chargedAtLeast((await own.charged()) + 300);
    const committed = await own.world.topics.committed(CLICKS, 'ad-events');
    sleeper.signal('SIGCONT');

    await eventually('the one that slept is back in its group', 60_000, () => partitionsOfOther() < 3);
    await sleeper.ready(60_000);
    await load.stop();
    await own.everyClickIsChargedOnce();
    const afterwards = await own.world.topics.committed(CLICKS, 'ad-events');
    for (const [partition, offset] of committed) expect(afterwards.get(partition)).toBeGreaterThanOrEqual(offset);
    expect(await Promise.all([sleeper, other].map((worker) => own.stopWorker(worker)))).toEqual([0, 0]);
  }, 240_000);
});

/** The partitions of clicks that a Worker got at its last join. */
function joins(lines: readonly { msg: string; [field: string]: unknown }[]): unknown[] | undefined {
  const last = lines.findLast(({ msg, group }) => msg === 'consumer joined its group' && group === CLICKS);
  return last?.['partitions'] as unknown[] | undefined;
}
