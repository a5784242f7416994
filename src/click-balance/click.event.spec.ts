import { describe, expect, it } from 'vitest';
import { compileReader, SKIPPED } from '../platform/events/event-reader.js';
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
