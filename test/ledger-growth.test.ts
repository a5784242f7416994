import { describe, expect, it } from 'vitest';
import { chargeGroup } from '../src/ledger/charge-group.sql.js';
import { postGroup } from '../src/ledger/post-group.sql.js';
import { useDatabase, withClient } from './support/database.js';
import { eventually } from './support/eventually.js';
import { aClick, useLedger, type Account } from './support/ledger.js';

const GROUPS = 40;
const GROUP_SIZE = 300;
const POSTINGS = GROUPS * GROUP_SIZE;

describe.each([
  ['ledger_post_v1', postGroup],
  ['ledger_charge_v1', chargeGroup],
])('a database that was analyzed while it was empty, and then filled by %s', (_name, post) => {
  const database = useDatabase();
  const ledger = useLedger(database);

  it('is looked up by key, and not read as a whole, for each group', async () => {
    await database.query('vacuum analyze');
    const accounts = await Promise.all(Array.from({ length: 30 }, () => ledger.account()));
    // On one connection, whose plans are never made anew: `PlanRefresh` would come to their help.
    await withClient(database.workerUrl, async (client) => {
      for (let group = 0; group < GROUPS; group++) {
        const clicks = Array.from({ length: GROUP_SIZE }, (_, i) => aClick(accounts[i % accounts.length] as Account));
        await post(client, clicks, { budgetTimezone: 'Asia/Seoul', lockWaitMs: 50 });
      }
    }); // a session tells the statistics at its end

    let read = 0;
    await eventually('the statistics know of it', 20_000, async () => {
      const [row] = await database.query<{ written: number; read: number }>(
        `select coalesce(sum(n_tup_ins), 0)::int as written, coalesce(sum(seq_tup_read + i.read), 0)::int as read
         from pg_stat_user_tables
         left join lateral (select sum(idx_tup_read) as read from pg_stat_user_indexes u where u.relid = pg_stat_user_tables.relid) i on true
         where relname like 'ad_balance_histories%'`,
      );
      read = row?.read ?? 0;
      return (row?.written ?? 0) >= POSTINGS;
    });
    // None of a new click is found. A plan that reads all histories for each group comes to twenty for each posting here, and
    // grows. Other tables stay out of it: while somebody's snapshot stays open, what was updated leaves entries to step over.
    expect(read).toBeLessThan(POSTINGS);
  });
});
