import { advertisers } from './campaigns.mjs';
import { groupBy } from './group-by.mjs';
import { millionths, readable } from './money.mjs';
import { total } from './promises.mjs';
import { chapter, count, patiently, say, table } from './terminal.mjs';
import { AD_EVENTS } from './topics.mjs';
import { mixedBurst, TWIN_PREFIX } from './traffic.mjs';

const HISTORIES_SHOWN = 3;

/** Thousands of records of every kind at once. @param {import('./demo.mjs').Demo} demo */
export async function burst({ topics, worker, ledger, promises }) {
  const sent = mixedBurst();
  chapter(`${count(sent.length)} records go to ${AD_EVENTS} at once`);
  showKinds(sent);
  promises.sent(sent);
  await topics.send(sent);
  const spread = [...(await topics.ends()).entries()].sort(([a], [b]) => a - b);
  say(`Spread: ${spread.map(([partition, end]) => `partition ${partition}: ${count(end)}`).join(', ')}`);
  await patiently('waiting until all are settled', () => topics.settled(worker));
  const seconds = await ledger.burstSeconds();
  const clicks = sent.filter(({ charged }) => charged).length;
  const rate = count(Math.round(clicks / seconds));
  say(`Settled: ${count(clicks)} clicks charged in ${seconds.toFixed(2)} s, ${rate} a second`);
  await twins(ledger, promises);
  return sent;
}

function showKinds(sent) {
  const kinds = groupBy(sent, ({ kind, code }) => (code ? 'poison, of seven kinds' : kind));
  const rows = [...kinds].map(([kind, [{ charged, code }, ...others]]) => {
    return [kind, count(others.length + 1), charged ? 'charged' : code ? 'a dead letter' : 'skipped'];
  });
  rows.sort(([a], [b]) => a.localeCompare(b));
  table(['kind', 'records', 'each is'], rows);
}

async function twins(ledger, promises) {
  const rows = await ledger.histories(TWIN_PREFIX);
  const [first, second] = rows;
  say(`Event ${first?.event_id} came in two records, ${first?.record} and ${second?.record}:`);
  say('two charges. Finding duplicate clicks is Flink’s work; see the refunds below.');
  promises.check('charges of event ids that came twice', rows.length, 10);
}

/** Balances before and after, and where the money went. @param {import('./demo.mjs').Demo} demo */
export async function balances({ ledger, promises }) {
  chapter('What it did to the balances');
  const accounts = await ledger.accounts();
  const rows = accounts.map(({ advertiser: { name, opening }, balance, charges }) => {
    const [clicks, charged] = [total(charges, 'clicks'), total(charges, 'charged')];
    return [name, readable(millionths(opening)), count(clicks), readable(charged), readable(balance)];
  });
  table(['advertiser', 'before', 'clicks', 'charged', 'after'], rows);
  say('A balance may fall below zero: those clicks were served.');
  const late = accounts
    .flatMap(({ charges }) => charges)
    .filter(({ campaign, source }) => campaign.redis && source === 'database');
  if (late.length > 0)
    say(`${count(total(late, 'clicks'))} prices of these come from Postgres: Redis took more than 25 ms.`);
  promises.checkAccounts(accounts);

  const [someone] = advertisers;
  const histories = await ledger.lastHistories(someone, HISTORIES_SHOWN);
  say();
  say(`The last histories of ${someone.name}:`);
  table(
    ['id', 'amount', 'balance_after', 'price from', 'event', 'record'],
    histories.map((row) => [row.id, row.amount, row.balance_after, row.price_source, row.event_id, row.record]),
  );
}
