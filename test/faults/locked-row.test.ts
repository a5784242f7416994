// Somebody holds an advertiser's row for long: a forgotten transaction of an operator, say. That advertiser waits, and
// nobody else does, although more of its clicks stand in the same partition than a Worker takes in hand at once.
import { describe, expect, it } from 'vitest';
import { Load, useOwnWorld } from '../support/own-world.js';
import { withClient } from '../support/database.js';

/** Longer than every time-out of a statement, a lock or an idle connection; a minute would prove no more. */
const HELD_FOR_MS = 20_000;
const WAITING = 3_000;

describe('an advertiser whose row somebody else holds', () => {
  const own = useOwnWorld();

  it('waits alone: the clicks of others behind its own are charged meanwhile', async () => {
    const worker = await (await own.startWorker()).ready(60_000);
    const locked = await own.account();
    const others = await Promise.all(Array.from({ length: 10 }, () => own.account()));

    await withClient(own.stack.env.MIGRATION_DATABASE_URL, async (client) => {
      await client.query('begin');
      await client.query('select from advertisers where id = $1 for update', [locked.advertiser.id]);
      const heldUntil = Date.now() + HELD_FOR_MS;
      await own.click([locked], WAITING, 0);
      const load = new Load(own, [locked, ...others]);

      // Each round stands behind thousands that wait. It is through before the lock is given back, or the test ends here.
      for (let charged = 0; Date.now() < heldUntil;) {
        await own.click(others, 100, 0);
        charged += 100;
        await own.chargedAtLeast(charged, 20_000);
      }
      await load.stop();
      expect(await own.charged(locked)).toBe(0);
      expect((await worker.get('/health/ready')).status).toBe(200);
      await client.query('rollback');
    });
    const latencies = await own.latencies(others);

    await own.everyClickIsChargedOnce();
    expect(await own.charged(locked)).toBeGreaterThan(WAITING);
    process.stdout.write(`others, while one row was locked: ${JSON.stringify(latencies)} ms\n`);
    expect(latencies.p50).toBeLessThan(5_000);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);
});
