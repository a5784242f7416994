// A Worker is killed with -9 between its refunds and the commit of their offsets, while clicks flow; two replicas go on.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { aCompensation, uniqueName } from '../support/fixtures.js';
import { Load, useOwnWorld, type OwnWorld } from '../support/own-world.js';
import type { WorkerProcess } from '../support/worker-process.js';

const TOPIC = 'compensation-events';
const GROUP = 'compensation-processor';
const REFUNDS = 4_000;

describe('a Worker that is killed with -9 between refunds and their commit', () => {
  const own = useOwnWorld();

  it('has each refund paid once by those that go on, whatever comes again, and loses no click', async () => {
    const account = await own.account();
    const flooded = await own.world.advertiser({ balance: '0' });
    // Each id twice, on two partitions; every fourth has none, and is its record's alone.
    const records = Array.from({ length: REFUNDS }, (_, i) => {
      const compensationId = i % 4 === 3 ? undefined : uniqueName(`c-${i}`);
      const value = aCompensation({ advertiserId: flooded.id, refundAmount: '0.01', compensationId });
      return compensationId === undefined
        ? [{ value, partition: i % 3 }]
        : [0, 1].map((n) => ({ value, partition: (i + n) % 3 }));
    });
    const victim = await own.startWorker();
    await victim.ready(60_000);
    const load = new Load(own, [account]);

    await own.world.produce(TOPIC, records.flat());
    await eventually('the first refunds are there', 30_000, async () => (await refunds(own)) > 200);
    const uncommitted = await killBetweenPaymentAndCommit(own, victim);
    const replicas = [await own.startWorker(), await own.startWorker()];
    await Promise.all(replicas.map((worker) => worker.ready(90_000)));
    await own.world.settled(GROUP, 120_000);
    await load.stop();
    await own.settled(90_000);

    expect(uncommitted).toBeGreaterThan(0);
    expect(await refunds(own)).toBe(REFUNDS);
    expect(await own.world.balanceOf(flooded)).toBe('40.000000');
    const { rows } = await own.world.database.query<{
      logs: number;
      clicks: number;
      counted: number;
      refunded: number;
    }>(
      `select (select count(*) from duplicate_click_logs)::int as logs,
              (select count(*) from ad_balance_histories where type = 'DEDUCT')::int as clicks,
              (select sum(clicks) from posting_minutes)::int as counted,
              (select sum(refunds) from posting_minutes)::int as refunded`,
    );
    expect(rows).toEqual([{ logs: REFUNDS, clicks: load.written, counted: load.written, refunded: REFUNDS }]);
    for (const topic of [TOPIC, 'ad-events']) expect(await own.world.topics.read(`${topic}.dlq`)).toEqual([]);
    await own.world.booksBalance();
    expect(await own.reconcile()).toMatchObject({ code: 0 });
    const sound = { pending: 0, missing: [], twice: [] };
    expect(await own.accountFor(TOPIC)).toMatchObject({ ...sound, posted: REFUNDS, repeated: REFUNDS * 0.75 });
    expect(await own.accountFor('ad-events')).toMatchObject({ ...sound, posted: load.written });
    expect(await Promise.all(replicas.map((worker) => own.stopWorker(worker)))).toEqual([0, 0]);
  }, 300_000);
});

async function refunds(own: OwnWorld): Promise<number> {
  const { rows } = await own.world.database.query<{ n: number }>(
    `select count(*)::int as n from ad_balance_histories where type = 'REFUND'`,
  );
  return rows[0]?.n ?? 0;
}

/** Refunds come in groups with rests between them, in which all that is paid may be committed: frozen, it holds still to be looked at. */
async function killBetweenPaymentAndCommit(own: OwnWorld, victim: WorkerProcess): Promise<number> {
  await eventually('it stands between payments and their commit', 30_000, async () => {
    victim.signal('SIGSTOP');
    await pause(50); // what it had sent arrives
    if ((await paidButNotCommitted(own)) > 0) return true;
    victim.signal('SIGCONT');
    return false;
  });
  await own.kill(victim);
  return paidButNotCommitted(own);
}

/** Refunds that are in the ledger although their offsets are not committed: they come again. */
async function paidButNotCommitted(own: OwnWorld): Promise<number> {
  const committed = await own.world.topics.committed(GROUP, TOPIC);
  let count = 0;
  for (const [partition, offset] of committed) {
    const { rows } = await own.world.database.query<{ beyond: number }>(
      `select count(*)::int as beyond from ad_balance_histories where source_topic = $1 and source_partition = $2 and source_offset >= $3`,
      [TOPIC, partition, offset],
    );
    count += rows[0]?.beyond ?? 0;
  }
  return count;
}
