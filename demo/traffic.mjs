// Records as the ad server writes them, each with what the Worker is to make of it.
import { advertisers, campaigns, unpriced } from './campaigns.mjs';

/**
 * @typedef {object} Sent
 * @property {string} kind for people
 * @property {Buffer | null} value
 * @property {import('./campaigns.mjs').Campaign} [charged] the campaign whose price it costs
 * @property {string} [code] of the dead letter it becomes
 */

const [coffee, travel] = advertisers;
const NOBODY = 999n;
const PER_POISON = 5;

/** Campaigns in turn, each as often as its share says. */
const turns = campaigns.flatMap((campaign) => Array.from({ length: campaign.share }, () => campaign));

let lastEvent = 0;
const newEventId = (prefix = 'e') => `${prefix}-${++lastEvent}`;

/** Five thousand records of every kind, well mixed. @returns {Sent[]} */
export function mixedBurst() {
  return shuffled([
    ...clicks(1_400, 'clicks, camelCase, ids as strings', camelCase),
    ...clicks(1_000, 'clicks, camelCase, ids as numbers', (click) => unquoted(camelCase(click))),
    ...clicks(700, 'clicks, snake_case, ids as strings', snakeCase),
    ...clicks(500, 'clicks, snake_case, ids as numbers', (click) => unquoted(snakeCase(click))),
    ...twins(5),
    ...times(1_350, 'impressions, views, conversions', (index) => ({ value: otherEvent(index) })),
    ...times(5, 'tombstones', () => ({ value: null })),
    ...poison(),
  ]);
}

/** @param {number} amount @param {string} prefix of the event ids @returns {Sent[]} */
export function plainClicks(amount, prefix) {
  return clicks(amount, 'clicks', camelCase, () => newEventId(prefix));
}

/** @param {import('./campaigns.mjs').Campaign} campaign @param {number} amount @param {string} prefix @returns {Sent[]} */
export function clicksOf(campaign, amount, prefix) {
  return times(amount, 'clicks', () => ({ value: clickOf(campaign, newEventId(prefix)), charged: campaign }));
}

export const TWIN_PREFIX = 'twin';

/** The same event id in two records is two clicks: looking for duplicates is the Flink job's work. */
function twins(pairs) {
  return Array.from({ length: pairs }, () => {
    const eventId = newEventId(TWIN_PREFIX);
    return clicks(2, 'clicks, one event id in two records', camelCase, () => eventId);
  }).flat();
}

function poison() {
  const [campaign] = campaigns;
  const good = camelCase({ campaignId: campaign.id, advertiserId: coffee.id, eventId: 'poison' });
  const [head, tail] = good.split('poison');
  const with_ = (ids) => camelCase({ campaignId: campaign.id, advertiserId: coffee.id, eventId: newEventId(), ...ids });
  const values = {
    'poison: not JSON': ['INVALID_JSON', () => good.slice(0, -10)],
    'poison: not UTF-8': ['INVALID_JSON', () => Buffer.concat([head, Buffer.from([0xff, 0xfe]), tail].map(bytes))],
    'poison: no campaignId': ['INVALID_EVENT', () => with_({ campaignId: undefined })],
    'poison: unknown campaign': ['UNKNOWN_CAMPAIGN', () => with_({ campaignId: NOBODY })],
    'poison: unknown advertiser': ['UNKNOWN_ADVERTISER', () => with_({ advertiserId: NOBODY })],
    "poison: another one's campaign": ['CAMPAIGN_ADVERTISER_MISMATCH', () => with_({ advertiserId: travel.id })],
    'poison: no price': ['UNKNOWN_PRICE', () => with_({ campaignId: unpriced.id, advertiserId: travel.id })],
  };
  return Object.entries(values).flatMap(([kind, [code, value]]) => {
    return times(PER_POISON, kind, () => ({ value: value(), code }));
  });
}

function clicks(amount, kind, write, eventId = newEventId) {
  return times(amount, kind, (index) => {
    const charged = turns[index % turns.length];
    return { value: clickOf(charged, eventId(), write), charged };
  });
}

function clickOf({ id, advertiser }, eventId, write = camelCase) {
  return write({ campaignId: id, advertiserId: advertiser.id, eventId });
}

/** @returns {Sent[]} */
function times(amount, kind, make) {
  return Array.from({ length: amount }, (_, index) => {
    const { value, ...expected } = make(index);
    return { kind, value: value === null ? null : bytes(value), ...expected };
  });
}

function camelCase(ids) {
  return json({ eventType: 'CLICK', ...ids, timestamp: new Date().toISOString() });
}

/** As Flink SQL writes it, its times too. */
function snakeCase({ campaignId, advertiserId, eventId }) {
  const timestamp = new Date().toISOString().replace('T', ' ').replace('Z', '');
  const ids = { campaign_id: campaignId, advertiser_id: advertiserId, event_id: eventId };
  return json({ event_type: 'CLICK', ...ids, timestamp });
}

function otherEvent(index) {
  const eventType = ['IMPRESSION', 'IMPRESSION', 'IMPRESSION', 'VIEW', 'CONVERSION'][index % 5];
  const { id, advertiser } = turns[index % turns.length];
  return json({ eventType, campaignId: id, advertiserId: advertiser.id, eventId: newEventId() });
}

const json = (event) => JSON.stringify(event, (_, field) => (typeof field === 'bigint' ? `${field}` : field));

/** By hand: JavaScript's own JSON cannot write numbers above 2^53. @param {string} text */
const unquoted = (text) => text.replace(/"(\d+)"/g, '$1');

const bytes = (text) => Buffer.from(text);

/** @template T @param {T[]} items */
function shuffled(items) {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [items[at], items[other]] = [items[other], items[at]];
  }
  return items;
}
