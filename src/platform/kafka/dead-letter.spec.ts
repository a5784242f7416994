import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { ConsumedRecord, RecordHeader } from './consumed-record.js';
import { deadLetterHeaders, deadLetterOf, replayOf, STUB_HEADER } from './dead-letter.js';

const NOW = new Date('2026-03-01T00:00:00.000Z');
const FAILURE = { code: 'INVALID_EVENT', message: 'campaignId: is missing' } as const;

const header = (name: string, text: string): RecordHeader => [name, Buffer.from(text)];

const aRecord = (fields: Partial<ConsumedRecord>): ConsumedRecord => ({
  topic: 'sales',
  partition: 2,
  offset: 77n,
  timestamp: 1_000,
  key: null,
  value: Buffer.from('{}'),
  headers: [],
  message: {} as KafkaMessage,
  ...fields,
});

/** A record as the replay of a dead letter writes it. */
const aReplay = (origin: Record<string, string> = {}): ConsumedRecord =>
  aRecord({
    topic: 'sales.retry',
    partition: 0,
    offset: 5n,
    timestamp: 9_000,
    headers: Object.entries({
      'dlq-origin-topic': 'sales',
      'dlq-origin-partition': '2',
      'dlq-origin-offset': '77',
      'dlq-origin-timestamp': '1000',
      'dlq-group': 'sellers',
      'dlq-attempt': '1',
      ...origin,
    }).map(([name, text]) => header(name, text)),
  });

const textsOf = (headers: readonly RecordHeader[]): (readonly [string, string])[] =>
  headers.map(([name, value]) => [name, value.toString()]);

describe('deadLetterOf', () => {
  it('keeps key and value byte for byte, and says where the record stood and why it failed', () => {
    const record = aRecord({ key: Buffer.from([0xff]), value: Buffer.from([0, 1]) });

    const letter = deadLetterOf(record, 'sellers', FAILURE, NOW);

    expect(letter).toMatchObject({
      group: 'sellers',
      attempt: 1,
      ...FAILURE,
      failedAt: NOW,
      key: record.key,
      value: record.value,
    });
    expect(letter.origin).toMatchObject({ topic: 'sales', partition: 2, offset: 77n, timestamp: 1_000 });
  });

  it("keeps the record's own headers, repeats in order, without those that could be taken for the Worker's", () => {
    const headers = [header('a', '1'), header('dlq-attempt', '9'), header('a', '2'), header(STUB_HEADER, 'nowhere')];

    const letter = deadLetterOf(aRecord({ headers }), 'sellers', FAILURE, NOW);

    expect(textsOf(letter.headers)).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  it('cuts a long message', () => {
    const letter = deadLetterOf(aRecord({}), 'sellers', { ...FAILURE, message: 'x'.repeat(5_000) }, NOW);

    expect(letter.message).toHaveLength(1_000);
  });

  it('keeps the coordinates of what was replayed, with one more attempt', () => {
    const letter = deadLetterOf(aReplay({ 'dlq-attempt': '3' }), 'sellers', FAILURE, NOW);

    expect(letter).toMatchObject({
      origin: { topic: 'sales', partition: 2, offset: 77n, timestamp: 1_000 },
      attempt: 4,
    });
  });

  it('believes no coordinates outside `.retry`', () => {
    const letter = deadLetterOf({ ...aReplay(), topic: 'sales' }, 'sellers', FAILURE, NOW);

    expect(letter).toMatchObject({
      origin: { topic: 'sales', partition: 0, offset: 5n, timestamp: 9_000 },
      attempt: 1,
    });
  });
});

describe('deadLetterHeaders', () => {
  it("writes the record's headers first, then nine of its own", () => {
    const letter = deadLetterOf(aRecord({ headers: [header('a', '1')] }), 'sellers', FAILURE, NOW);

    expect(textsOf(deadLetterHeaders(letter))).toEqual([
      ['a', '1'],
      ['dlq-origin-topic', 'sales'],
      ['dlq-origin-partition', '2'],
      ['dlq-origin-offset', '77'],
      ['dlq-origin-timestamp', '1000'],
      ['dlq-group', 'sellers'],
      ['dlq-attempt', '1'],
      ['dlq-error-code', 'INVALID_EVENT'],
      ['dlq-error-message', 'campaignId: is missing'],
      ['dlq-failed-at', '2026-03-01T00:00:00.000Z'],
    ]);
  });
});

describe('replayOf', () => {
  it('reads back what a dead letter says, whatever its coordinates', () => {
    const origin = fc.record({
      partition: fc.nat(10_000),
      offset: fc.bigInt(0n, 10n ** 18n - 1n),
      timestamp: fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
    });
    fc.assert(
      fc.property(origin, (coordinates) => {
        const record = aRecord(coordinates);
        const headers = deadLetterHeaders(deadLetterOf(record, 'sellers', FAILURE, NOW));

        const replay = replayOf(aRecord({ topic: 'sales.retry', headers }));

        expect(replay).toEqual({ origin: { topic: 'sales', ...coordinates }, group: 'sellers', attempt: 2 });
      }),
    );
  });

  it.each([
    ['another topic', { 'dlq-origin-topic': 'purchases' }],
    ['no topic', { 'dlq-origin-topic': '' }],
    ['its own topic', { 'dlq-origin-topic': 'sales.retry' }],
    ['a partition that is no number', { 'dlq-origin-partition': 'x' }],
    ['a partition below zero', { 'dlq-origin-partition': '-1' }],
    ['no offset', { 'dlq-origin-offset': '' }],
    ['an offset that is no whole number', { 'dlq-origin-offset': '7.5' }],
    ['no timestamp', { 'dlq-origin-timestamp': '' }],
  ])('believes nothing of a record that names %s', (_what, origin) => {
    expect(replayOf(aReplay(origin))).toBeUndefined();
  });

  it('counts a second attempt where the number of the first is broken', () => {
    expect(replayOf(aReplay({ 'dlq-attempt': 'many' }))?.attempt).toBe(2);
  });
});
