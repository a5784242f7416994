import { describe, expect, it } from 'vitest';
import { useDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { aClick, useLedger, type Account } from './support/ledger.js';

const GROUPS = 20;
const GROUP_SIZE = 300;
const POSTINGS = GROUPS * GROUP_SIZE;

const database = useDatabase();
const ledger = useLedger(database);

describe('a database that was analyzed while it was empty', () => {
  it('is looked up by key, and not read as a whole, for each group', async () => {
    await database.query('vacuum analyze');
    const accounts = await Promise.all(Array.from({ length: 30 }, () => ledger.account()));
    const worker = ledger.open({ lanes: 1 });

    for (let group = 0; group < GROUPS; group++) {
      const clicks = Array.from({ length: GROUP_SIZE }, (_, i) => aClick(accounts[i % accounts.length] as Account));
      await Promise.all(clicks.map((click) => worker.post(click)));
    }
    await worker.close(); // a session tells the statistics at its end

    let read = 0;
    await eventually('the statistics know of it', 20_000, async () => {
      const [row] = await database.query<{ written: number; read: number }>(
        `select coalesce(sum(n_tup_ins), 0)::int as written,
                (select coalesce(sum(idx_tup_read), 0)::int from pg_stat_user_indexes) as read
         from pg_stat_user_tables where relname like 'ad_balance_histories%'`,
      );
      read = row?.read ?? 0;
      return (row?.written ?? 0) >= POSTINGS;
    });
    // Some entries a posting: its advertiser, campaign, key and day. Reading all histories for each group would be ten times that.
    expect(read).toBeLessThan(POSTINGS * 10 + 1);
  });
});
