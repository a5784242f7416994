// Somebody holds an advertiser's row for long: a forgotten transaction of an operator, say. That advertiser waits, and
// nobody else does, although more of its clicks stand in the same partition than a Worker takes in hand at once, before the
// others' and between them.
import { describe, expect, it } from 'vitest';
import { Load, useOwnWorld, type Account } from '../support/own-world.js';
import { withClient } from '../support/database.js';

/** Longer than every time-out of a statement, a lock or an idle connection; a minute would prove no more. */
const HELD_FOR_MS = 20_000;
/** Three times what is under way of a partition at the most; two of them are fewer than may be parked. */
const BURST = 3_000;

describe('an advertiser whose row somebody else holds', () => {
  const own = useOwnWorld();
  const accounts = (count: number): Promise<Account[]> =>
    Promise.all(Array.from({ length: count }, () => own.account()));

  it('waits alone: the clicks of others behind its own are charged meanwhile', async () => {
    const worker = await (await own.startWorker()).ready(60_000);
    const [free, locked] = [await own.account(), await own.account()];
    const others = await accounts(10);
    let charged = 0;
    const round = async (): Promise<void> => {
      await own.click(others, 100, 0);
      charged += 100;
      await own.chargedAtLeast(charged, 20_000);
    };
    await own.click([free], BURST, 0);
    charged += BURST;

    await withClient(own.stack.env.MIGRATION_DATABASE_URL, async (client) => {
      await client.query('begin');
      await client.query('select from advertisers where id = $1 for update', [locked.advertiser.id]);
      const heldUntil = Date.now() + HELD_FOR_MS;
      await own.click([locked], BURST, 0);
      const load = new Load(own, [locked, ...others]);

      // Each round stands behind thousands that wait. It is through before the lock is given back, or the test ends here.
      for (let rounds = 0; Date.now() < heldUntil; rounds++) {
        if (rounds === 10) await own.click([locked], BURST, 0);
        await round();
      }
      await load.stop();
      expect(await own.charged(locked)).toBe(0);
      expect((await worker.get('/health/ready')).status).toBe(200);
      await client.query('rollback');
    });

    await own.everyClickIsChargedOnce();
    expect(await own.charged(locked)).toBeGreaterThan(2 * BURST);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);
});
