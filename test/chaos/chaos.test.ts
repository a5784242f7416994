// One short run of the fault machine. Then it is shown what it is there to find: planted in the database, in Kafka, and in what it
// goes by.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Evidence } from '../../chaos/evidence.mjs';
import { Run } from '../../chaos/run.mjs';
import { CLICK_TOPIC } from '../../chaos/traffic.mjs';
import { CLICKS } from '../support/own-world.js';

const SEED = 4961;
const LENGTH_MS = 25_000;

const but = <T>(items: readonly T[], isPlanted: (item: T) => boolean): T[] => {
  const left = items.filter((item) => !isPlanted(item));
  expect(left.length, 'something was there to take away').toBeLessThan(items.length);
  return left;
};
const first = <T>(items: readonly T[], isIt: (item: T) => boolean): T => {
  const found = items.find(isIt);
  if (found === undefined) throw new Error('the run had nothing of the kind');
  return found;
};

describe('the fault machine', () => {
  const said: string[] = [];
  let run: Run;
  let evidence: Evidence;

  beforeAll(async () => {
    run = await Run.open({ seed: SEED, lengthMs: LENGTH_MS, say: (line) => said.push(line) });
    await run.wreak();
    await run.settle();
    evidence = await run.gather();
  }, 400_000);
  afterAll(() => run.close({ keepLogs: false }), 60_000);

  it('finds nothing wrong after some faults', () => {
    expect(run.judge(evidence), said.join('\n')).toEqual([]);
    expect(evidence.histories.length).toBeGreaterThan(200);
    expect(evidence.letters.length).toBeGreaterThan(3);
    expect(evidence.transitions.length).toBeGreaterThan(0);
  });

  it.each<[what: string, plant: (all: Evidence) => Partial<Evidence>, finding: RegExp]>([
    [
      'a click that was passed over',
      ({ histories }) => ({ histories: but(histories, (row) => row === first(histories, isCharge)) }),
      /^clicks that are not charged: 1 /,
    ],
    [
      'a charge at another price',
      ({ histories }) => ({
        histories: histories.map((row) => (row === first(histories, isCharge) ? { ...row, amount: '0.010000' } : row)),
      }),
      /^clicks that are charged wrongly: 1 /,
    ],
    [
      'a charge of what was no click',
      ({ histories }) => ({
        histories: [...histories, { ...first(histories, isCharge), source_offset: '999999999' }],
      }),
      /^charges of no click: 1 /,
    ],
    [
      'a refund that was paid twice',
      ({ histories }) => ({ histories: [...histories, { ...first(histories, ({ type }) => type === 'REFUND') }] }),
      /^refunds that are paid more than once: 1 /,
    ],
    [
      'a refund that was not paid',
      ({ histories }) => ({
        histories: but(histories, (row) => row === first(histories, ({ type }) => type === 'REFUND')),
      }),
      /^refunds that are not paid: 1 /,
    ],
    [
      'a dead letter that is gone',
      ({ letters }) => ({ letters: letters.slice(1) }),
      /^poison that is no dead letter: 1 /,
    ],
    [
      'a dead letter with other bytes',
      ({ letters: [letter, ...letters] }) => ({ letters: [{ ...letter, value: Buffer.from('{}') }, ...letters] }),
      /^dead letters that are not what was sent: 1 /,
    ],
    [
      'a lost alert of a dead letter',
      ({ alerts }) => ({
        alerts: but(alerts, (alert) => alert === first(alerts, ({ type }) => type === 'DEAD_LETTER')),
      }),
      /^dead letters without an alert: 1 /,
    ],
    [
      'a lost alert of a pause',
      ({ alerts }) => ({
        alerts: but(alerts, (alert) => alert === first(alerts, ({ type }) => type === 'CAMPAIGN_PAUSED')),
      }),
      /^transitions without an alert: 1 /,
    ],
    [
      'a lost alert of an exhausted balance',
      ({ alerts }) => ({ alerts: but(alerts, ({ type }) => type === 'BALANCE_EXHAUSTED') }),
      /^exhausted balances without an alert: /,
    ],
    [
      'an alert that no channel has',
      ({ deliveries }) => ({ deliveries: deliveries.slice(1) }),
      /^alerts that are not stored for Slack: 1 /,
    ],
    [
      'a campaign that runs on above its budget',
      ({ campaigns }) => ({
        campaigns: campaigns.map((one) => (one === first(campaigns, isPaused) ? { ...one, status: 'ACTIVE' } : one)),
      }),
      /^campaigns that do not keep to their budgets: /,
    ],
    [
      'a campaign that was paused twice',
      ({ transitions }) => ({ transitions: [...transitions, { ...first(transitions, () => true) }] }),
      /^campaigns that do not keep to their budgets: /,
    ],
    [
      'a group that stopped before the end',
      ({ offsets: [offset, ...offsets] }) => ({
        offsets: [{ ...(offset as Evidence['offsets'][0]), committed: 1n }, ...offsets],
      }),
      /^groups that are not at the end: 1 /,
    ],
    [
      'an error in the log',
      ({ said: lines }) => ({ said: [...lines, { file: 'a log', level: 'fatal', line: 'uncaught' }] }),
      /^errors that Workers logged: 1 /,
    ],
    [
      'a Worker that ended by itself',
      () => ({ complaints: ['replica 1 ended by itself'] }),
      /^replica 1 ended by itself$/,
    ],
  ])('finds %s', (_what, plant, finding) => {
    expect(run.judge({ ...evidence, ...plant(evidence) })).toContainEqual(expect.stringMatching(finding));
  });

  it('finds a double charge, a balance that was changed and an offset that was committed early, in the stack itself', async () => {
    await chargeTwice(run);
    await run.rig.database.query('update advertisers set balance = balance - 1 where id = 1');
    await commitEarly(run);

    const findings = run.judge(await run.gather());

    const expected = [
      /^clicks that are charged more than once: 1 /,
      /^clicks that are not charged: 1 /,
      /^poison that is no dead letter: 1 /,
      /^wrong balances: \d+ \(.*advertiser 1 has /,
      /^reconcile says 1: /,
      /^account-for ad-events: missing: 2 /,
      /^account-for ad-events: twice: 1 /,
    ];
    for (const finding of expected) expect(findings).toContainEqual(expect.stringMatching(finding));
  }, 60_000);

  it('leaves no process behind', async () => {
    expect(await run.close({ keepLogs: false })).toEqual([]);
  }, 60_000);
});

const isCharge = ({ type }: { type?: unknown }): boolean => type === 'DEDUCT';
const isPaused = ({ status }: { status?: unknown }): boolean => status === 'PAUSED';

/** A row as a Worker would write it that did not know its own key again. */
async function chargeTwice({ rig }: Run): Promise<void> {
  await rig.database.query(
    `with twice as (
       insert into ad_balance_histories (idempotency_key, advertiser_id, campaign_id, type, amount, balance_after, price_source, event_id,
                                         source_topic, source_partition, source_offset, recorded_at, occurred_at)
       select 'planted', h.advertiser_id, campaign_id, type, amount, a.balance - amount, price_source, event_id,
              source_topic, source_partition, source_offset, recorded_at, occurred_at
       from ad_balance_histories h join advertisers a on a.id = h.advertiser_id
       where type = 'DEDUCT' and h.advertiser_id = 2 order by h.id limit 1
       returning advertiser_id, amount
     )
     update advertisers a set balance = balance - amount from twice t where a.id = t.advertiser_id`,
  );
}

/** No Worker runs any more: what is written now is passed over by who commits the end. */
async function commitEarly({ rig, traffic }: Run): Promise<void> {
  await traffic.produce([traffic.click(), traffic.poison()]);
  const ends = await rig.admin.fetchTopicOffsets(CLICK_TOPIC);
  await rig.admin.setOffsets({
    groupId: CLICKS,
    topic: CLICK_TOPIC,
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  });
}
