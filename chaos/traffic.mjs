// Records of every kind, each with what the Worker is to make of it.
import { setTimeout as pause } from 'node:timers/promises';
import { campaigns, CLICKS_OF_BUDGET, CLICKS_OF_WATCHED, unpriced } from './cast.mjs';
import { Random } from './random.mjs';

/**
 * What is to become of a record; nothing where a handler skips it.
 *
 * @typedef {object} Sent
 * @property {string} topic
 * @property {Buffer | null} value
 * @property {import('./cast.mjs').Campaign} [click] the campaign that it is charged to
 * @property {string} [eventId] of the click
 * @property {{ key: string | undefined, advertiserId: number, amount: string }} [refund]
 *   `key` is paid once in whatever records it comes
 * @property {string} [code] of the dead letter it becomes
 * @property {string} [alertId]
 * @property {boolean} [acknowledged] Kafka has it
 */

export const CLICK_TOPIC = 'ad-events';
export const REFUND_TOPIC = 'compensation-events';
export const ALERT_TOPIC = 'alert-events';
/** Each record says in a header which of those sent it is: where the broker was restarted, it may stand there twice. */
export const SENT_HEADER = 'chaos-sent';

const EVERY_MS = 100;
const PER_ROUND = 15;
const NOBODY = 999_999;
const HUGE_CHARS = 600_000;
/** With the headers of a dead letter it is too large for its topic. */
const LARGEST_CHARS = 1_048_000;
/** More than one such record would not fit into one request for a partition. */
const LARGE_BYTES = 100_000;
const PATIENCE_MS = 3_000;
const RAISE_EVERY_MS = 3_000;
const REMEMBERED = 200;

export class Traffic {
  /** By id. @type {Map<string, Sent>} */
  sent = new Map();
  /** How often a campaign's budget may have been raised: that the database did not answer says nothing. @type {Map<number, number>} */
  raises = new Map();
  #random;
  #rig;
  #stopped = new AbortController();
  #running = Promise.resolve();
  #abandoned = false;
  #watched = new Map();
  /** Clicks and refunds that may be sent once more. @type {Sent[]} */
  #past = [];
  #lastId = 0;

  /** @param {number} seed @param {import('./rig.mjs').Rig} rig */
  constructor(seed, rig) {
    this.#random = new Random(seed ^ 0x7aff1c);
    this.#rig = rig;
  }

  start() {
    this.#running = Promise.all([this.#send(), this.#raise()]).then(() => {});
    this.#running.catch(() => {}); // `stop` tells
  }

  /** Resolves when the last record is with Kafka. */
  async stop() {
    this.#stopped.abort();
    await this.#running;
  }

  /** Ends it, whatever has not come to Kafka. */
  abandon() {
    this.#stopped.abort();
    this.#abandoned = true;
  }

  async #send() {
    await this.produce(this.#opening());
    while (!this.#stopped.signal.aborted) {
      const round = Array.from({ length: PER_ROUND }, () => this.#next());
      await this.produce(round);
      await pause(EVERY_MS);
    }
  }

  /** Resolves when Kafka has them, however long it is away. @param {Sent[]} records */
  async produce(records) {
    const isLarge = ({ value }) => value !== null && value.length > LARGE_BYTES;
    const portions = [records.filter((record) => !isLarge(record)), ...records.filter(isLarge).map((one) => [one])];
    for (const portion of portions) {
      const batch = { topicMessages: portion.map((record) => this.#messageOf(record)), acks: -1, timeout: PATIENCE_MS };
      while (!(await this.#rig.producer.sendBatch(batch).catch(() => undefined))) {
        if (this.#abandoned) return;
        await pause(EVERY_MS);
      }
      for (const record of portion) record.acknowledged = true;
    }
  }

  /** @param {Sent} record */
  #messageOf(record) {
    const id = `${++this.#lastId}`;
    this.sent.set(id, record);
    const { topic, value } = record;
    const message = { key: id, value, timestamp: `${this.#rig.clock.now()}`, headers: { [SENT_HEADER]: id } };
    return { topic, messages: [message] };
  }

  /** Campaigns that are paused and get a larger budget. */
  async #raise() {
    while (!this.#stopped.signal.aborted) {
      await pause(RAISE_EVERY_MS, undefined, { signal: this.#stopped.signal }).catch(() => {});
      const { id } = this.#random.pick(campaigns.filter(({ part }) => part === 'raised'));
      const sql = `update campaigns set daily_budget = daily_budget * 2 where id = $1 and status = 'PAUSED'`;
      const raised = await this.#rig.database.query(sql, [id]).then(
        ({ rowCount }) => rowCount ?? 0,
        () => 1,
      );
      this.raises.set(id, (this.raises.get(id) ?? 0) + raised);
    }
  }

  /** @returns {Sent} */
  #next() {
    const dice = this.#random.next() * 100;
    const [, make] = /** @type {[number, () => Sent]} */ (SHARES.find(([upTo]) => dice < upTo));
    return make.call(this);
  }

  /** @returns {Sent} */
  click(more = {}, campaign = this.#clickable()) {
    const eventId = `event-${this.sent.size}-${this.#random.between(0, 1e9)}`;
    const value = json({ ...clickFields(campaign, eventId, this.#rig.clock.now()), ...more });
    return this.#remember({ topic: CLICK_TOPIC, value, click: campaign, eventId });
  }

  refund() {
    const campaign = this.#random.pick(campaigns.filter(({ part }) => part === 'plain'));
    const amount = (this.#random.between(1, 40) / 100).toFixed(2);
    const compensationId = this.#random.next() < 0.9 ? `compensation-${this.#random.between(0, 1e12)}` : undefined;
    const { advertiserId } = campaign;
    const campaignId = this.#random.next() < 0.9 ? campaign.id : NOBODY;
    const value = json({ compensationId, refundAmount: amount, advertiserId, campaignId, reason: 'DUPLICATE_CLICK' });
    return this.#remember({ topic: REFUND_TOPIC, value, refund: { key: compensationId, advertiserId, amount } });
  }

  /** The same bytes once more: another click, the same refund. */
  repeat() {
    const past = this.#past.length > 0 ? this.#random.pick(this.#past) : this.click();
    return { ...past, acknowledged: false };
  }

  other() {
    const eventType = this.#random.pick(['IMPRESSION', 'VIEW', 'CONVERSION']);
    const campaign = this.#random.pick(campaigns);
    const fields = clickFields(campaign, 'other', this.#rig.clock.now());
    return { topic: CLICK_TOPIC, value: json({ ...fields, eventType }) };
  }

  tombstone() {
    return { topic: CLICK_TOPIC, value: null };
  }

  hugeClick() {
    return this.click({ padding: 'x'.repeat(HUGE_CHARS) });
  }

  /** @returns {Sent} */
  poison() {
    const [campaign] = campaigns;
    const fields = (more) => json({ ...clickFields(campaign, 'poison', this.#rig.clock.now()), ...more });
    /** @type {[string, () => Buffer][]} */
    const kinds = [
      ['INVALID_JSON', () => fields({}).subarray(0, -5)],
      ['INVALID_JSON', () => Buffer.concat([Buffer.from('{"eventType":"'), Buffer.from([0xff, 0xfe])])],
      ['INVALID_EVENT', () => fields({ campaignId: undefined })],
      ['UNKNOWN_CAMPAIGN', () => fields({ campaignId: NOBODY })],
      ['CAMPAIGN_ADVERTISER_MISMATCH', () => fields({ advertiserId: campaign.advertiserId + 1 })],
      ['UNKNOWN_PRICE', () => fields({ campaignId: unpriced.id, advertiserId: unpriced.advertiserId })],
    ];
    const [code, make] = this.#random.pick(kinds);
    return { topic: CLICK_TOPIC, value: make(), code };
  }

  hugePoison() {
    return { topic: CLICK_TOPIC, value: Buffer.from(`{${'x'.repeat(LARGEST_CHARS)}`), code: 'INVALID_JSON' };
  }

  poisonRefund() {
    /** @type {[string, object][]} */
    const kinds = [
      ['UNKNOWN_ADVERTISER', { advertiserId: NOBODY, refundAmount: '1' }],
      ['INVALID_EVENT', { advertiserId: 1, refundAmount: '-1' }],
    ];
    const [code, fields] = this.#random.pick(kinds);
    return { topic: REFUND_TOPIC, value: json(fields), code };
  }

  alert() {
    const alertId = `others-${this.#random.between(0, 1e12)}`;
    const occurredAt = new Date(this.#rig.clock.now()).toISOString();
    const value = json({ alertId, type: 'BUDGET_WARNING', severity: 'info', occurredAt, message: 'of somebody else' });
    return { topic: ALERT_TOPIC, value, alertId };
  }

  noAlert() {
    return { topic: ALERT_TOPIC, value: json({ hello: 'world' }), code: 'INVALID_EVENT' };
  }

  /** However slow the machine is, there is one of each kind, and some budgets and balances are used up. */
  #opening() {
    const small = campaigns.filter(({ part }) => part === 'small');
    return [
      ...SHARES.map(([, make]) => make.call(this)),
      ...small.flatMap((campaign) => Array.from({ length: CLICKS_OF_BUDGET }, () => this.click({}, campaign))),
    ];
  }

  /** Watched campaigns get no more clicks when the warning is due. */
  #clickable() {
    for (;;) {
      const campaign = this.#random.pick(campaigns);
      if (campaign.part !== 'watched') return campaign;
      const clicks = (this.#watched.get(campaign.id) ?? 0) + 1;
      if (clicks > CLICKS_OF_WATCHED) continue;
      this.#watched.set(campaign.id, clicks);
      return campaign;
    }
  }

  /** Neither what is watched nor what is huge comes again. @param {Sent & { value: Buffer }} record @returns {Sent} */
  #remember(record) {
    if (record.click?.part === 'watched' || record.value.length > HUGE_CHARS) return record;
    this.#past.push(record);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    return record;
  }
}

/** In percent, each up to where. @type {[number, () => Sent][]} */
const SHARES = [
  [66, Traffic.prototype.click],
  [76, Traffic.prototype.refund],
  [81, Traffic.prototype.repeat],
  [93, Traffic.prototype.other],
  [95, Traffic.prototype.tombstone],
  [97.5, Traffic.prototype.poison],
  [98.2, Traffic.prototype.poisonRefund],
  [99.2, Traffic.prototype.alert],
  [99.4, Traffic.prototype.noAlert],
  [99.9, Traffic.prototype.hugeClick],
  [100, Traffic.prototype.hugePoison],
];

/** @param {import('./cast.mjs').Campaign} campaign @param {string} eventId @param {number} now */
function clickFields({ id, advertiserId }, eventId, now) {
  return { eventType: 'CLICK', eventId, campaignId: `${id}`, advertiserId, timestamp: new Date(now).toISOString() };
}

/** @param {object} fields those that are undefined are left out */
const json = (fields) => Buffer.from(JSON.stringify(fields));
