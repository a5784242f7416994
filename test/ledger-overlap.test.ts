import { describe, expect, it } from 'vitest';
import type { Posting, PostingResult } from '../src/ledger/posting.js';
import { useDatabase, withClient } from './support/database.js';
import { aClick, aRefund, useLedger, type Account } from './support/ledger.js';

const database = useDatabase();
const ledger = useLedger(database);

describe('two Workers that are given overlapping records', () => {
  it('post each once between them, while billing tops up', async () => {
    const accounts = await Promise.all(Array.from({ length: 12 }, () => ledger.account({ balance: '50' })));
    const postings = Array.from({ length: 3_000 }, (_, i): Posting => {
      const account = accounts[i % accounts.length] as Account;
      return Math.floor(i / accounts.length) % 5 === 0 ? aRefund(account) : aClick(account, { amount: '0.01' });
    });
    const [one, two] = [ledger.open(), ledger.open()];
    const post = async (worker: typeof one, order: Posting[]): Promise<PostingResult[]> => {
      const results: PostingResult[] = [];
      for (let i = 0; i < order.length; i += 300) {
        results.push(...(await Promise.all(order.slice(i, i + 300).map((posting) => worker.post(posting)))));
      }
      return results;
    };
    const topUp = () =>
      withClient(database.ownerUrl, async (client) => {
        for (const [i, { advertiserId }] of accounts.entries()) {
          await client.query('select ledger_top_up($1, 5, $2)', [String(advertiserId), `overlap-${i}`]);
        }
      });

    const [first, second] = await Promise.all([
      post(one, postings),
      // Redelivered from somewhere in the middle, in another order, as after a rebalance.
      post(two, shuffled([...postings.slice(700, 2_500), ...postings.slice(1_000)])),
      topUp(),
      topUp(),
    ]);

    const ids = [...first, ...second].filter(({ created }) => created).map(({ historyId }) => historyId);
    expect(new Set(ids).size).toBe(postings.length);
    expect(ids).toHaveLength(postings.length);
    // 250 each: 50 refunds of 0.25 and 200 clicks of 0.01; and one top-up of 5.
    for (const account of accounts) expect(await ledger.balanceOf(account)).toBe('65.500000');
  });
});

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value, i) => ({ value, rank: Math.imul(i + 1, 0x9e37_79b1) >>> 0 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}
