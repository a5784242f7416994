import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileReader, SKIPPED } from '../platform/events/event-reader.js';
import { PoisonError } from '../platform/failure.js';
import { ClickEvent } from './click.event.js';

const readClick = compileReader(ClickEvent);
const read = (fields: object): unknown => readClick(Buffer.from(JSON.stringify(fields)));

describe('ClickEvent', () => {
  it('reads what the ad server writes', () => {
    const click = {
      eventType: 'CLICK',
      eventId: 'e-1',
      campaignId: 5,
      advertiserId: 6,
      timestamp: '2026-03-01T00:00:00Z',
    };

    expect(read(click)).toEqual({ campaignId: 5n, advertiserId: 6n, eventId: 'e-1', timestamp: Date.UTC(2026, 2, 1) });
  });

  it('reads what Flink SQL writes', () => {
    const click = {
      event_type: 'CLICK',
      event_id: 'e-1',
      campaign_id: 5,
      advertiser_id: 6,
      timestamp: '2026-03-01 00:00:00',
    };

    expect(read(click)).toEqual({ campaignId: 5n, advertiserId: 6n, eventId: 'e-1', timestamp: Date.UTC(2026, 2, 1) });
  });

  it('does without an eventId and a timestamp, or with broken ones', () => {
    expect(read({ eventType: 'CLICK', campaignId: 5, advertiserId: 6 })).toEqual({ campaignId: 5n, advertiserId: 6n });
    expect(read({ eventType: 'CLICK', campaignId: 5, advertiserId: 6, eventId: 7, timestamp: 'soon' })).toEqual({
      campaignId: 5n,
      advertiserId: 6n,
    });
  });

  it.each(['VIEW', 'IMPRESSION', 'click', '', 0])('skips the event type %j, however broken the rest', (eventType) => {
    expect(read({ eventType, campaignId: 'none' })).toBe(SKIPPED);
  });

  it.each([
    ['eventType', { campaignId: 5, advertiserId: 6 }],
    ['eventType', { eventType: null, campaignId: 5, advertiserId: 6 }],
    ['campaignId', { eventType: 'CLICK', advertiserId: 6 }],
    ['campaignId', { eventType: 'CLICK', campaignId: 0, advertiserId: 6 }],
    ['advertiserId', { eventType: 'CLICK', campaignId: 5 }],
    ['advertiserId', { eventType: 'CLICK', campaignId: 5, advertiserId: '6.5' }],
  ])('refuses a click without a good %s', (field, fields) => {
    expect(() => read(fields)).toThrow(new RegExp(`^${field}`));
  });
});

describe('whatever stands on ad-events', { timeout: 30_000 }, () => {
  const id = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
  const click = fc.record({
    campaignId: id,
    advertiserId: id,
    eventId: fc.uuid(),
    snake: fc.boolean(),
    more: fc.json(),
  });
  const textOf = ({
    campaignId,
    advertiserId,
    eventId,
    snake,
    more,
  }: typeof click extends fc.Arbitrary<infer T> ? T : never) =>
    snake
      ? `{"event_type":"CLICK","more":${more},"campaign_id":${campaignId},"advertiser_id":"${advertiserId}","event_id":"${eventId}"}`
      : `{"eventType":"CLICK","more":${more},"campaignId":"${campaignId}","advertiserId":${advertiserId},"eventId":"${eventId}"}`;

  it('is a click with the ids that it names, whatever else it has', () => {
    fc.assert(
      fc.property(click, (given) => {
        const { campaignId, advertiserId, eventId } = given;

        expect(readClick(Buffer.from(textOf(given)))).toEqual({ campaignId, advertiserId, eventId });
      }),
    );
  });

  it('is charged, skipped or poison, where bytes are changed, moved or missing', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    const seen = { charged: 0, skipped: 0, poison: 0 };
    const outcomeOf = (value: Buffer): keyof typeof seen => {
      try {
        const event = readClick(value);
        if (event === SKIPPED) return 'skipped';
        expect(event.campaignId > 0n && event.campaignId < 2n ** 63n).toBe(true);
        expect(event.advertiserId > 0n && event.advertiserId < 2n ** 63n).toBe(true);
        expect(event.eventId ?? 'none').not.toMatch(/^$|\0/);
        return 'charged';
      } catch (error) {
        if (error instanceof PoisonError) return 'poison';
        throw error;
      }
    };
    fc.assert(
      fc.property(click, damage, fc.nat(), fc.nat(), (given, changes, from, length) => {
        const bytes = Buffer.from(textOf(given));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const start = from % bytes.length;

        for (const value of [
          bytes,
          bytes.subarray(0, length % bytes.length),
          Buffer.concat([bytes.subarray(start), bytes]),
        ])
          seen[outcomeOf(value)]++;
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(seen.charged, seen.skipped, seen.poison)).toBeGreaterThan(20);
  });
});
