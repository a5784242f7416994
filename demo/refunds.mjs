import { millionths, readable } from './money.mjs';
import { groupBy } from './group-by.mjs';
import { chapter, count, patiently, say, table } from './terminal.mjs';
import { COMPENSATION_EVENTS, REFUND_GROUP } from './topics.mjs';
import { TWIN_PREFIX } from './traffic.mjs';

const UNKNOWN_CAMPAIGN = 999n;

/**
 * The clicks that came twice are paid back, as Flink would have it: some of its records come again, one contradicts another.
 *
 * @param {import('./demo.mjs').Demo} demo
 */
export async function refunds({ topics, worker, ledger, promises }) {
  const duplicates = (await ledger.histories(TWIN_PREFIX)).filter((_, at) => at % 2 === 1);
  chapter(`Flink finds ${count(duplicates.length)} duplicate clicks and writes to ${COMPENSATION_EVENTS}`);
  const before = await ledger.accounts();
  const records = duplicates.map((click, at) => compensation(click, `flink-${at + 1}`));
  const again = [records[0], records[0], records[1]];
  const [first, , third] = duplicates;
  const conflict = compensation({ ...first, amount: '99' }, 'flink-1');
  const elsewhere = compensation({ ...third, campaign_id: UNKNOWN_CAMPAIGN, amount: '0.000001' }, 'flink-elsewhere');

  // One after the other: which of two contradicting records comes first is otherwise Kafka's to say.
  for (const sent of [records, [...again, conflict, elsewhere]]) {
    await topics.send(sent, COMPENSATION_EVENTS);
    await patiently('waiting until the refunds are settled', () =>
      topics.settled(worker, REFUND_GROUP, COMPENSATION_EVENTS),
    );
  }
  const rows = await ledger.refunds();
  table(
    ['compensation', 'duplicate event', 'refunded', 'balance_after'],
    rows.map((row) => [row.compensation_id, row.duplicate_event_id, row.amount, row.balance_after]),
  );
  say(`${count(again.length)} of them came again: paid once. One whose campaign is unknown is paid too, and logged.`);
  const letters = await topics.read(`${COMPENSATION_EVENTS}.dlq`);
  for (const { headers } of letters)
    say(`A dead letter: ${headers['dlq-error-code']}, ${headers['dlq-error-message']}`);
  say();
  showBalances(before, await ledger.accounts());

  const owed = [...duplicates.map(({ amount }) => amount), '0.000001'].map(millionths);
  promises.check('refunds', rows.map(({ amount }) => readable(millionths(amount))).sort(), owed.map(readable).sort());
  promises.check(
    'dead letters of refunds',
    letters.map(({ headers }) => `${headers['dlq-error-code']}`),
    ['IDEMPOTENCY_CONFLICT'],
  );
  for (const [advertiserId, own] of groupBy(rows, (row) => row.advertiser_id)) {
    promises.refunded(
      BigInt(advertiserId),
      own.reduce((sum, { amount }) => sum + millionths(amount), 0n),
    );
  }
  promises.checkAccounts(await ledger.accounts());
}

function showBalances(before, after) {
  const moved = after.flatMap(({ advertiser, balance }, at) => {
    const earlier = before[at].balance;
    return balance === earlier
      ? []
      : [[advertiser.name, readable(earlier), readable(balance - earlier), readable(balance)]];
  });
  table(['advertiser', 'before', 'refunded', 'after'], moved);
}

/** As Flink SQL writes it: snake_case, its own form of a time, amounts as numbers. */
function compensation({ event_id: eventId, advertiser_id, campaign_id, amount }, compensationId) {
  const detectedAt = new Date().toISOString().replace('T', ' ').replace('Z', '');
  const fields = [
    `"compensation_id":"${compensationId}"`,
    `"campaign_id":${campaign_id}`,
    `"advertiser_id":${advertiser_id}`,
    `"original_event_id":"${eventId}","duplicate_event_id":"${eventId}"`,
    `"refund_amount":${amount}`,
    `"reason":"DUPLICATE_CLICK","detected_at":"${detectedAt}"`,
  ];
  return { value: Buffer.from(`{${fields.join(',')}}`) };
}
