import { describe, expect, it } from 'vitest';
import { dateIn } from './support/budget-zone.js';
import { eventually } from './support/eventually.js';
import { aClick, aCompensation, uniqueId, uniqueName } from './support/fixtures.js';
import { useWorker, type TestCampaign } from './support/world.js';

const TOPIC = 'compensation-events';
const GROUP = 'compensation-processor';
const CLICKS = 'click-balance-processor';
const ONE_DAY_MS = 24 * 60 * 60 * 1_000;

describe('compensation-events', () => {
  const world = useWorker();
  const zone = world.env['BUDGET_TIMEZONE'] ?? '';

  const click = async (campaign: TestCampaign, count = 1, timestamp?: number): Promise<void> => {
    const value = aClick({ campaignId: campaign.id, advertiserId: campaign.advertiserId });
    const record = timestamp === undefined ? { value } : { value, timestamp: String(timestamp) };
    await world.produce('ad-events', Array<typeof record>(count).fill(record));
    await world.settled(CLICKS);
  };

  it('pays a refund once, however often Flink repeats it, at once and later, on any partition', async () => {
    const advertiser = await world.advertiser({ balance: '100' });
    const refund = aCompensation({ advertiserId: advertiser.id, refundAmount: '0.75' });

    await world.produce(TOPIC, [refund, refund, refund], { partition: 0 });
    await world.produce(
      TOPIC,
      [0, 1, 2].map((partition) => ({ value: refund, partition })),
    );
    await world.settled(GROUP);
    await world.produce(
      TOPIC,
      [0, 1, 2].map((partition) => ({ value: refund, partition })),
    );
    await world.settled(GROUP);

    expect(await world.balanceOf(advertiser)).toBe('100.750000');
    expect(await world.historyOf(advertiser)).toMatchObject([{ type: 'REFUND', amount: '0.750000' }]);
    expect(await world.duplicatesOf(advertiser)).toHaveLength(1);
  });

  it('counts the first as posted, the others as repeated', async () => {
    const outcomes = async (): Promise<number[]> => {
      const text = await (await fetch(`${world.workerUrl}/metrics`)).text();
      return ['posted', 'repeated'].map((outcome) =>
        Number(
          new RegExp(
            `^worker_records_total\\{topic="${TOPIC}",group="${GROUP}",outcome="${outcome}"\\} (.+)$`,
            'm',
          ).exec(text)?.[1],
        ),
      );
    };
    const advertiser = await world.advertiser();
    const [posted = 0, repeated = 0] = await outcomes();
    const refund = aCompensation({ advertiserId: advertiser.id });

    await world.produce(TOPIC, [refund, refund, refund]);
    await world.settled(GROUP);

    expect(await outcomes()).toEqual([posted + 1, repeated + 2]);
  });

  it('pays the click back to its campaign’s day, and keeps in the log what Flink said', async () => {
    const advertiser = await world.advertiser({ balance: '10' });
    const campaign = await world.campaign(advertiser, { redisCpc: '0.5' });
    const [compensationId, originalEventId, duplicateEventId] = ['c', 'o', 'd'].map(uniqueName);
    await click(campaign, 2);

    await world.produce(TOPIC, [
      aCompensation({
        ...{ advertiserId: advertiser.id, campaignId: campaign.id, compensationId, originalEventId, duplicateEventId },
        reason: 'SAME_USER_WITHIN_5_MIN',
        detectedAt: '2026-03-01 10:00:00.250',
      }),
    ]);
    await world.settled(GROUP);

    expect(await world.balanceOf(advertiser)).toBe('9.500000');
    expect(await world.dailySpendOf(campaign)).toEqual([
      { day: dateIn(zone), spent: '1.000000', clicks: '2', refunded: '0.500000' },
    ]);
    const [, , refund] = await world.historyOf(advertiser);
    expect(refund).toMatchObject({
      type: 'REFUND',
      amount: '0.500000',
      balance_after: '9.500000',
      price_source: null,
      campaign_id: String(campaign.id),
      idempotency_key: `compensation:${compensationId}`,
      source_topic: TOPIC,
      occurred_at: new Date('2026-03-01T10:00:00.250Z'),
    });
    expect(await world.duplicatesOf(advertiser)).toMatchObject([
      {
        compensation_id: compensationId,
        campaign_id: String(campaign.id),
        original_event_id: originalEventId,
        duplicate_event_id: duplicateEventId,
        refund_amount: '0.500000',
        reason: 'SAME_USER_WITHIN_5_MIN',
        detected_at: new Date('2026-03-01T10:00:00.250Z'),
      },
    ]);
  });

  it('reads both spellings, and numbers by their digits', async () => {
    const advertiser = await world.advertiser({ balance: '0' });
    const id = String(advertiser.id); // above 2^53
    const [one, two, three] = [uniqueName('c'), uniqueName('c'), uniqueName('c')];

    await world.produce(
      TOPIC,
      [
        `{"compensationId":"${one}","advertiserId":"${id}","refundAmount":"0.1"}`,
        `{"compensation_id":"${two}","advertiser_id":${id},"refund_amount":98765432109876.123456,"duplicate_event_id":"d","detected_at":1772000000000}`,
        `{"compensation_id":"${three}","advertiser_id":${id},"refund_amount":1.0E-1,"more":[{"refund_amount":5}]}`,
      ],
      { partition: 0 },
    );
    await world.settled(GROUP);

    expect((await world.historyOf(advertiser)).map(({ amount }) => amount)).toEqual([
      '0.100000',
      '98765432109876.123456',
      '0.100000',
    ]);
    expect(await world.balanceOf(advertiser)).toBe('98765432109876.323456');
    expect((await world.duplicatesOf(advertiser)).map(({ detected_at: at }) => at?.getTime())).toEqual([
      undefined,
      1_772_000_000_000,
      undefined,
    ]);
  });

  it('takes a number and the text of its digits for one id', async () => {
    const advertiser = await world.advertiser({ balance: '0' });
    const refund = (compensationId: string): string =>
      `{"compensationId":${compensationId},"advertiserId":"${advertiser.id}","refundAmount":"1"}`;
    const id = uniqueId(); // above 2^53: rounded, it would be its neighbour

    await world.produce(TOPIC, [`${id}`, `"${id}"`, `${id}.0`, `${id + 1n}`, `"${id + 1n}"`, `"0${id}"`].map(refund));
    await world.settled(GROUP);

    expect((await world.duplicatesOf(advertiser)).map(({ compensation_id: each }) => each).sort()).toEqual(
      [`0${id}`, `${id}`, `${id + 1n}`].sort(),
    );
    expect(await world.balanceOf(advertiser)).toBe('3.000000');
  });

  it('goes by the record where there is no id: each one is paid', async () => {
    const advertiser = await world.advertiser({ balance: '0' });
    const refund = aCompensation({ advertiserId: advertiser.id, compensationId: undefined });
    const alsoNone = aCompensation({ advertiserId: advertiser.id, compensationId: null });

    await world.produce(TOPIC, [refund, refund, alsoNone]);
    await world.settled(GROUP);

    expect(await world.balanceOf(advertiser)).toBe('1.500000');
    const histories = await world.historyOf(advertiser);
    expect(histories.map(({ idempotency_key: key }) => key.split(':').slice(0, 2))).toEqual(
      Array(3).fill(['record', TOPIC]),
    );
    expect((await world.duplicatesOf(advertiser)).map(({ compensation_id: id }) => id)).toEqual([null, null, null]);
  });

  it('pays for a campaign that is unknown or somebody else’s, without its day, and for none at all', async () => {
    const [advertiser, other] = [await world.advertiser({ balance: '0' }), await world.advertiser()];
    const foreign = await world.campaign(other);
    const unknown = uniqueId();

    for (const campaignId of [foreign.id, unknown, undefined]) {
      await world.produce(TOPIC, [aCompensation({ advertiserId: advertiser.id, campaignId })]);
      await world.settled(GROUP);
    }

    expect(await world.balanceOf(advertiser)).toBe('1.500000');
    expect((await world.historyOf(advertiser)).map(({ campaign_id: id }) => id)).toEqual([null, null, null]);
    expect((await world.duplicatesOf(advertiser)).map(({ campaign_id: id }) => id)).toEqual([
      String(foreign.id),
      String(unknown),
      null,
    ]);
    expect(await world.dailySpendOf(foreign)).toEqual([]);
    expect(await world.balanceOf(other)).toBe('1000.000000');
  });

  it('counts for the day of its own record, also when the click was yesterday’s', async () => {
    const advertiser = await world.advertiser({ balance: '10' });
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });
    await click(campaign, 1, Date.now() - ONE_DAY_MS);
    const late = aCompensation({ advertiserId: advertiser.id, campaignId: campaign.id, refundAmount: '1' });
    const inTime = aCompensation({ advertiserId: advertiser.id, campaignId: campaign.id, refundAmount: '0.25' });

    await world.produce(TOPIC, [late, { value: inTime, timestamp: String(Date.now() - ONE_DAY_MS) }]);
    await world.settled(GROUP);

    expect(await world.dailySpendOf(campaign)).toEqual([
      { day: dateIn(zone, -1), spent: '1.000000', clicks: '1', refunded: '0.250000' },
      { day: dateIn(zone), spent: '0.000000', clicks: '0', refunded: '1.000000' },
    ]);
    expect(await world.balanceOf(advertiser)).toBe('10.250000');
  });

  it('does without optional fields that are broken', async () => {
    const advertiser = await world.advertiser({ balance: '0' });
    const broken = [
      { campaignId: 'none', originalEventId: 'x'.repeat(201), duplicateEventId: 'a\0b', reason: 5, detectedAt: 'soon' },
      { campaignId: 1.5, originalEventId: {}, duplicateEventId: [], reason: '', detectedAt: -1 },
    ];

    await world.produce(
      TOPIC,
      broken.map((fields) => aCompensation({ advertiserId: advertiser.id, ...fields })),
    );
    await world.settled(GROUP);

    const nothing = {
      campaign_id: null,
      original_event_id: null,
      duplicate_event_id: null,
      reason: null,
      detected_at: null,
    };
    expect(await world.duplicatesOf(advertiser)).toMatchObject([nothing, nothing]);
    expect(await world.balanceOf(advertiser)).toBe('1.000000');
  });

  it('skips tombstones', async () => {
    const advertiser = await world.advertiser({ balance: '0' });

    await world.produce(TOPIC, [
      { key: uniqueName('tombstone'), value: null },
      aCompensation({ advertiserId: advertiser.id }),
    ]);
    await world.settled(GROUP);

    expect(await world.historyOf(advertiser)).toHaveLength(1);
  });

  it('lets a campaign spend again what it was refunded', async () => {
    const advertiser = await world.advertiser();
    const campaign = await world.campaign(advertiser, { redisCpc: '1', dailyBudget: '3' });
    await click(campaign, 2);
    await world.produce(TOPIC, [
      aCompensation({ advertiserId: advertiser.id, campaignId: campaign.id, refundAmount: '1' }),
    ]);
    await world.settled(GROUP);

    await click(campaign);
    const before = await world.statusOf(campaign);
    await click(campaign);

    expect(before).toMatchObject({ status: 'ACTIVE' });
    expect(await world.statusOf(campaign)).toMatchObject({ status: 'PAUSED', budget_paused_spent: '3.000000' });
  });

  it('arms the alert of an exhausted balance again', async () => {
    const advertiser = await world.advertiser({ balance: '2' });
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });

    await click(campaign, 3);
    const first = await world.alertsAbout(advertiser);
    await world.produce(TOPIC, [aCompensation({ advertiserId: advertiser.id, refundAmount: '1.5' })]);
    await world.settled(GROUP);
    await click(campaign);

    expect(first.map(({ type }) => type)).toEqual(['BALANCE_EXHAUSTED']);
    expect((await world.alertsAbout(advertiser)).map(({ type, details }) => [type, details['balance']])).toEqual([
      ['BALANCE_EXHAUSTED', '0.000000'],
      ['BALANCE_EXHAUSTED', '-0.500000'],
    ]);
  });

  it('shows in worker_duplicate_click_ratio', async () => {
    const ratio = async (): Promise<number> =>
      Number(
        /^worker_duplicate_click_ratio (.+)$/m.exec(await (await fetch(`${world.workerUrl}/metrics`)).text())?.[1],
      );
    const advertiser = await world.advertiser();
    await click(await world.campaign(advertiser));
    await world.produce(TOPIC, [aCompensation({ advertiserId: advertiser.id })]);
    await world.settled(GROUP);

    await eventually('the ratio is above zero', 15_000, async () => (await ratio()) > 0);
  });
});

describe('dead letters of compensation-events', () => {
  const world = useWorker();

  it('has the same id with another amount or advertiser for a conflict, and a repeat for none', async () => {
    const [advertiser, other] = [await world.advertiser({ balance: '0' }), await world.advertiser({ balance: '0' })];
    const compensationId = uniqueName('compensation');
    const refund = (fields: object = {}): string =>
      aCompensation({ advertiserId: advertiser.id, compensationId, refundAmount: '0.5', ...fields });
    const key = uniqueName('conflict');
    await world.produce(TOPIC, [refund()]);
    await world.settled(GROUP);

    await world.produce(TOPIC, [
      refund({ refundAmount: '0.500', reason: 'AGAIN', campaignId: uniqueId() }),
      { key, value: refund({ refundAmount: '0.51' }) },
      { key, value: refund({ advertiserId: other.id }) },
      refund(),
    ]);
    await world.settled(GROUP);

    const letters = await world.deadLetters(TOPIC, (record) => record.key?.toString() === key);
    expect(letters.map(({ headers }) => String(headers['dlq-error-code']))).toEqual([
      'IDEMPOTENCY_CONFLICT',
      'IDEMPOTENCY_CONFLICT',
    ]);
    expect([await world.balanceOf(advertiser), await world.balanceOf(other)]).toEqual(['0.500000', '0.000000']);
  });

  it('sends every kind of poison there, and pays all that stands around it', async () => {
    const advertiser = await world.advertiser({ balance: '0' });
    const good = (): string => aCompensation({ advertiserId: advertiser.id });
    const wrong = (fields: object): string => aCompensation({ advertiserId: advertiser.id, ...fields });
    const withId = (written: string): string =>
      `{"compensationId":${written},"advertiserId":"${advertiser.id}","refundAmount":"1"}`;
    const poison: [code: string, value: string][] = [
      ['INVALID_JSON', 'no json'],
      ['INVALID_JSON', ''],
      ['INVALID_EVENT', 'null'],
      ['INVALID_EVENT', '[]'],
      ...['', 'x'.repeat(201), 'a\0b', true, {}, [], 1.5, ['c']].map((compensationId): [string, string] => [
        'INVALID_EVENT',
        wrong({ compensationId }),
      ]),
      ...['1e300', '0.5', '"\\ud800"'].map((written): [string, string] => ['INVALID_EVENT', withId(written)]),
      ...[undefined, null, '0', '-1', '1e2', '0.1234567', '100000000000000', true, {}].map(
        (refundAmount): [string, string] => ['INVALID_EVENT', wrong({ refundAmount })],
      ),
      ...[undefined, null, '0', '-1', '1.5', 9_223_372_036_854_775_808n].map((advertiserId): [string, string] => [
        'INVALID_EVENT',
        wrong({ advertiserId }),
      ]),
      ['UNKNOWN_ADVERTISER', aCompensation({ advertiserId: uniqueId() })],
    ];
    const key = uniqueName('poison');
    const records = [good(), ...poison.flatMap(([, value]) => [{ key, value }, good()])];

    await world.produce(TOPIC, records, { partition: 2 });
    await world.settled(GROUP);

    const letters = await world.deadLetters(TOPIC, (record) => record.key?.toString() === key);
    const told = letters.map(({ headers, value }) => `${String(headers['dlq-error-code'])} ${String(value)}`);
    expect(told.sort()).toEqual(poison.map((each) => each.join(' ')).sort());
    expect(letters[0]?.headers).toMatchObject({
      'dlq-origin-topic': Buffer.from(TOPIC),
      'dlq-origin-partition': Buffer.from('2'),
      'dlq-group': Buffer.from(GROUP),
    });
    expect(await world.historyOf(advertiser)).toHaveLength(poison.length + 1);
  });

  it('can be sent again: a refund whose advertiser came late is paid once', async () => {
    const advertiserId = uniqueId();
    const value = aCompensation({ advertiserId, refundAmount: '2', compensationId: undefined });
    const [place] = await world.produce(TOPIC, [value], { partition: 1 });
    await world.settled(GROUP);
    const [letter] = await world.deadLetters(TOPIC, (record) => record.value?.toString() === value);
    await world.database.query('insert into advertisers (id, name) values ($1, $2)', [advertiserId, 'late']);
    const { headers = {} } = letter ?? {};
    const origin = Object.fromEntries(
      ['topic', 'partition', 'offset', 'timestamp'].map((name) => [
        `dlq-origin-${name}`,
        headers[`dlq-origin-${name}`],
      ]),
    );
    const replay = { value, headers: { ...origin, 'dlq-attempt': '2' } };

    await world.produce(`${TOPIC}.retry`, [replay, replay]);
    await world.settled(`${GROUP}-retry`);

    expect(await world.balanceOf({ id: advertiserId })).toBe('2.000000');
    expect(await world.historyOf({ id: advertiserId })).toMatchObject([
      { source_topic: TOPIC, source_partition: 1, source_offset: place?.baseOffset },
    ]);
  });
});

describe('a backlog of refunds', () => {
  const world = useWorker();

  it('holds up no click, and is paid beside them', async () => {
    const [advertiser, flooded] = [
      await world.advertiser({ balance: '1000' }),
      await world.advertiser({ balance: '0' }),
    ];
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });
    const refunds = Array.from({ length: 6_000 }, () =>
      aCompensation({ advertiserId: flooded.id, refundAmount: '0.01' }),
    );

    await world.produce(TOPIC, refunds);
    for (let round = 0; round < 10; round++) {
      const clicks = Array.from({ length: 20 }, () => aClick({ campaignId: campaign.id, advertiserId: advertiser.id }));
      await world.produce('ad-events', clicks);
      await world.settled(CLICKS);
    }
    await world.settled(GROUP, 60_000);

    expect(await world.balanceOf(advertiser)).toBe('800.000000');
    expect(await world.balanceOf(flooded)).toBe('60.000000');
    expect(await world.duplicatesOf(flooded)).toHaveLength(refunds.length);
  });
});
