import { describe, expect, it } from 'vitest';
import { aClick, uniqueId, uniqueName } from './support/fixtures.js';
import { useWorker } from './support/world.js';

const GROUP = 'click-balance-processor';

describe('ad-events', () => {
  const world = useWorker();

  it('charges a click once, the price that Redis has', async () => {
    const advertiser = await world.advertiser({ balance: '100' });
    const campaign = await world.campaign(advertiser, { redisCpc: '0.75', cpc: '9.99' });
    const eventId = uniqueName('event');

    await world.produce('ad-events', [aClick({ campaignId: campaign.id, advertiserId: advertiser.id, eventId })]);
    await world.settled(GROUP);

    expect(await world.balanceOf(advertiser)).toBe('99.250000');
    expect(await world.historyOf(advertiser)).toMatchObject([
      { type: 'DEDUCT', amount: '0.750000', balance_after: '99.250000', price_source: 'redis', event_id: eventId },
    ]);
    expect(await world.dailySpendOf(campaign)).toMatchObject([
      { spent: '0.750000', clicks: '1', refunded: '0.000000' },
    ]);
  });

  it.each([
    ['Redis has none', null],
    ['what Redis has is zero', '0'],
    ['what Redis has is negative', '-1'],
    ['what Redis has is no number', 'NaN'],
    ['what Redis has would have to be rounded', '0.1234567'],
  ])('takes the price from the database where %s', async (_case, redisCpc) => {
    const advertiser = await world.advertiser({ balance: '10' });
    const campaign = await world.campaign(advertiser, { redisCpc, cpc: '0.123456' });

    await world.produce('ad-events', [aClick({ campaignId: campaign.id, advertiserId: advertiser.id })]);
    await world.settled(GROUP);

    expect(await world.historyOf(advertiser)).toMatchObject([{ amount: '0.123456', price_source: 'database' }]);
    expect(await world.balanceOf(advertiser)).toBe('9.876544');
  });

  it('reads both spellings, and ids as strings and as numbers, exactly', async () => {
    const advertiser = await world.advertiser();
    const campaign = await world.campaign(advertiser);

    await world.produce('ad-events', [
      `{"eventType":"CLICK","campaignId":"${campaign.id}","advertiserId":"${advertiser.id}"}`,
      `{"event_type":"CLICK","campaign_id":"${campaign.id}","advertiser_id":"${advertiser.id}"}`,
      `{"eventType":"CLICK","campaignId":${campaign.id},"advertiserId":${advertiser.id},"unknown":[1,{"a":"}"}]}`,
    ]);
    await world.settled(GROUP);

    expect(await world.historyOf(advertiser)).toHaveLength(3);
  });

  it('charges two records twice, even with one event id', async () => {
    const advertiser = await world.advertiser({ balance: '10' });
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });
    const click = aClick({ campaignId: campaign.id, advertiserId: advertiser.id, eventId: uniqueName('event') });

    await world.produce('ad-events', [click, click]);
    await world.settled(GROUP);

    expect(await world.balanceOf(advertiser)).toBe('8.000000');
  });

  it('skips what is no click, and tombstones', async () => {
    const advertiser = await world.advertiser({ balance: '10' });
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });
    const ids = { campaignId: campaign.id, advertiserId: advertiser.id };

    await world.produce('ad-events', [
      aClick({ ...ids, eventType: 'IMPRESSION' }),
      aClick({ ...ids, eventType: 'click' }),
      { key: uniqueName('tombstone'), value: null },
      aClick(ids),
    ]);
    await world.settled(GROUP);

    expect(await world.historyOf(advertiser)).toHaveLength(1);
  });

  it('lets a balance fall below zero: the click was served', async () => {
    const advertiser = await world.advertiser({ balance: '0.3' });
    const campaign = await world.campaign(advertiser, { redisCpc: '0.5' });

    await world.produce('ad-events', [aClick({ campaignId: campaign.id, advertiserId: advertiser.id })]);
    await world.settled(GROUP);

    expect(await world.balanceOf(advertiser)).toBe('-0.200000');
  });

  it('keeps when the click happened apart from when its record was written', async () => {
    const advertiser = await world.advertiser();
    const campaign = await world.campaign(advertiser);
    const recordedAt = Date.now() - 1_000;
    const click = aClick({
      campaignId: campaign.id,
      advertiserId: advertiser.id,
      timestamp: '2026-01-02 03:04:05.678',
    });

    await world.produce('ad-events', [{ value: click, timestamp: String(recordedAt) }]);
    await world.settled(GROUP);

    expect(await world.historyOf(advertiser)).toMatchObject([
      { occurred_at: new Date('2026-01-02T03:04:05.678Z'), recorded_at: new Date(recordedAt) },
    ]);
  });

  it('drops a broken optional field and charges all the same', async () => {
    const advertiser = await world.advertiser();
    const campaign = await world.campaign(advertiser);
    const ids = { campaignId: campaign.id, advertiserId: advertiser.id };

    await world.produce('ad-events', [
      aClick({ ...ids, eventId: 'with\0nul', timestamp: 'yesterday' }),
      aClick({ ...ids, eventId: 'x'.repeat(201), timestamp: { not: 'a time' } }),
      aClick({ ...ids, eventId: 17, timestamp: -1 }),
    ]);
    await world.settled(GROUP);

    const histories = await world.historyOf(advertiser);
    expect(histories.map(({ event_id: eventId }) => eventId)).toEqual([null, null, null]);
    expect(histories.map(({ occurred_at: at, recorded_at: recorded }) => at.getTime() === recorded.getTime())).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('charges records whose own time is wild', async () => {
    const advertiser = await world.advertiser({ balance: '10' });
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });
    const value = aClick({ campaignId: campaign.id, advertiserId: advertiser.id });

    await world.produce('ad-events', [
      { value, timestamp: '1' },
      { value, timestamp: String(Date.UTC(2019, 0, 1)) },
    ]);
    await world.settled(GROUP);

    expect(await world.balanceOf(advertiser)).toBe('8.000000');
  });
});

describe('dead letters of ad-events', () => {
  const world = useWorker();

  it('sends every kind of poison to the dead letters, and charges all that stands around it', async () => {
    const advertiser = await world.advertiser({ balance: '100' });
    const other = await world.advertiser();
    const campaign = await world.campaign(advertiser, { redisCpc: '1' });
    const unpriced = await world.campaign(advertiser, { redisCpc: null, cpc: null });
    const foreign = await world.campaign(other);
    const good = aClick({ campaignId: campaign.id, advertiserId: advertiser.id });
    const poison: [code: string, value: string | Buffer][] = [
      ['INVALID_JSON', 'no json'],
      ['INVALID_JSON', ''],
      ['INVALID_JSON', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
      ['INVALID_JSON', `{"eventType":"CLICK","deep":${'['.repeat(100_000)}`],
      ['INVALID_EVENT', '["CLICK"]'],
      ['INVALID_EVENT', 'null'],
      ['INVALID_EVENT', `{"campaignId":"${campaign.id}","advertiserId":"${advertiser.id}"}`],
      [
        'INVALID_EVENT',
        aClick({ campaignId: campaign.id, advertiserId: advertiser.id }).replace(`"${campaign.id}"`, '"-1"'),
      ],
      [
        'INVALID_EVENT',
        aClick({ campaignId: campaign.id, advertiserId: advertiser.id }).replace(`"${campaign.id}"`, '1.5'),
      ],
      ['INVALID_EVENT', aClick({ campaignId: 9_223_372_036_854_775_808n, advertiserId: advertiser.id })],
      ['UNKNOWN_CAMPAIGN', aClick({ campaignId: uniqueId(), advertiserId: advertiser.id })],
      ['UNKNOWN_ADVERTISER', aClick({ campaignId: campaign.id, advertiserId: uniqueId() })],
      ['CAMPAIGN_ADVERTISER_MISMATCH', aClick({ campaignId: foreign.id, advertiserId: advertiser.id })],
      ['UNKNOWN_PRICE', aClick({ campaignId: unpriced.id, advertiserId: advertiser.id })],
    ];
    const key = uniqueName('poison');
    const records = [good, ...poison.flatMap(([, value]) => [{ key, value }, good])];

    await world.produce('ad-events', records, { partition: 0 });
    await world.settled(GROUP);

    const letters = await world.deadLetters('ad-events', (record) => record.key?.toString() === key);
    expect(letters.map(({ headers }) => String(headers['dlq-error-code'])).sort()).toEqual(
      poison.map(([code]) => code).sort(),
    );
    expect(letters.map(({ value }) => value?.toString('base64')).sort()).toEqual(
      poison.map(([, value]) => Buffer.from(value).toString('base64')).sort(),
    );
    expect(await world.historyOf(advertiser)).toHaveLength(poison.length + 1);
  });

  it('keeps key, value and headers byte for byte, and says where the record stood and what was wrong', async () => {
    const key = Buffer.from([0, 1, 2, 255]);
    const value = Buffer.from([0xc3, 0x28, 0x00]);
    const marker = uniqueName('marker');
    const [metadata] = await world.produce(
      'ad-events',
      [
        {
          key,
          value,
          headers: {
            marker,
            binary: Buffer.from([0, 255]),
            twice: ['a', 'b'],
            toString: 'odd',
            'dlq-error-code': 'mine',
          },
        },
      ],
      { partition: 1 },
    );
    await world.settled(GROUP);

    const [letter, ...more] = await world.deadLetters(
      'ad-events',
      ({ headers }) => String(headers['marker']) === marker,
    );
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ key, value, partition: 1 });
    expect(letter?.headers).toMatchObject({
      binary: Buffer.from([0, 255]),
      twice: [Buffer.from('a'), Buffer.from('b')],
      'dlq-origin-topic': Buffer.from('ad-events'),
      'dlq-origin-partition': Buffer.from('1'),
      'dlq-origin-offset': Buffer.from(metadata?.baseOffset ?? ''),
      'dlq-group': Buffer.from(GROUP),
      'dlq-attempt': Buffer.from('1'),
      'dlq-error-code': Buffer.from('INVALID_JSON'),
    });
    expect(String(letter?.headers['dlq-origin-timestamp'])).toMatch(/^\d{13}$/);
    expect(Date.parse(String(letter?.headers['dlq-failed-at']))).not.toBeNaN();
  });
});
