import { expect, it } from 'vitest';
import { useDatabase } from './support/database.js';
import { aClick, useLedger } from './support/ledger.js';

const ledger = useLedger(useDatabase());

it('lets a live posting pass by any number of background ones', async () => {
  const account = await ledger.account({ balance: '100' });
  const worker = ledger.open();
  await worker.post(aClick(account, { amount: '0.01' })); // from here on live ones are expected
  let posted = 0;
  const background = Array.from({ length: 12_000 }, async () => {
    await worker.post({ ...aClick(account, { amount: '0.001' }), priority: 'background' });
    posted++;
  });

  const { balanceAfter } = await worker.post(aClick(account, { amount: '0.01' }));

  expect(posted).toBeLessThan(2_000);
  expect(Number(balanceAfter)).toBeGreaterThan(97);
  await Promise.all(background);
  expect(await ledger.balanceOf(account)).toBe('87.980000');
});
