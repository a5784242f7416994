// Holds what is there against what was sent, by sums of the machine's own.
import { campaigns as cast } from './cast.mjs';
import { groupBy } from '../demo/group-by.mjs';
import { decimal, millionths } from '../demo/money.mjs';
import { ALERT_TOPIC, CLICK_TOPIC, REFUND_TOPIC } from './traffic.mjs';

const NAMED = 5;
const GROUP_OF = {
  [CLICK_TOPIC]: 'click-balance-processor',
  [REFUND_TOPIC]: 'compensation-processor',
  [ALERT_TOPIC]: 'notification-processor',
};
/** What a Worker may say in an error line because a fault was meant to make it say so. */
const PROVOKED = [/"records were removed before they were read"/];

/**
 * @param {import('./evidence.mjs').Evidence} evidence
 * @returns {string[]} what is wrong; nothing where all is right
 */
export function judge(evidence) {
  const case_ = new Case(evidence);
  return [
    ...case_.traffic(),
    ...case_.clicks(),
    ...case_.refunds(),
    ...case_.balances(),
    ...case_.days(),
    ...case_.letters(),
    ...case_.alerts(),
    ...case_.campaigns(),
    ...case_.offsets(),
    ...case_.commands(),
    ...case_.workers(),
  ];
}

/** The records, each with what it was sent as and what was posted for it. */
class Case {
  #e;
  #records;
  #postings;
  #alertIds;

  /** @param {import('./evidence.mjs').Evidence} evidence */
  constructor(evidence) {
    this.#e = evidence;
    this.#alertIds = new Set(evidence.alerts.map(({ alertId }) => alertId));
    this.#postings = groupBy(evidence.histories, placeOfHistory);
    const removed = new Set(evidence.removed.map(placeOf));
    const standing = evidence.records.filter((record) => !removed.has(placeOf(record)));
    this.#records = [...standing, ...evidence.removed].flatMap((record) => {
      const as = evidence.sent.get(record.sent ?? '');
      return as === undefined ? [] : [{ ...record, as, place: placeOf(record), isLost: this.#isLost(record, removed) }];
    });
  }

  *traffic() {
    const standing = new Set(this.#records.map(({ sent }) => sent));
    const gone = [...this.#e.sent].filter(([id, { acknowledged }]) => acknowledged && !standing.has(id));
    yield* named(
      'records that Kafka took and has no more',
      gone.map(([id, { topic }]) => `${topic} ${id}`),
    );
  }

  *clicks() {
    const clicks = this.#records.filter(({ as }) => as.click);
    const charges = (record) => this.#postings.get(record.place) ?? [];
    yield* named(
      'clicks that are not charged',
      clicks.filter((record) => charges(record).length === 0 && !record.isLost).map(({ place }) => place),
    );
    yield* named(
      'clicks that are charged more than once',
      clicks.filter((record) => charges(record).length > 1).map(({ place }) => place),
    );
    yield* named(
      'clicks that are charged wrongly',
      clicks.flatMap((record) => charges(record).flatMap((charge) => wrongCharge(record, charge))),
    );
    const places = new Set(clicks.map(({ place }) => place));
    const others = this.#e.histories.filter((row) => row.type === 'DEDUCT' && !places.has(placeOfHistory(row)));
    yield* named('charges of no click', others.map(placeOfHistory));
  }

  *refunds() {
    const refunds = this.#records.filter(({ as }) => as.refund);
    const byKey = groupBy(refunds, keyOfRefund);
    const paid = groupBy(
      this.#e.histories.filter(({ type }) => type === 'REFUND'),
      ({ idempotency_key: key }) => key,
    );
    yield* named(
      'refunds that are not paid',
      [...byKey.keys()].filter((key) => !paid.has(key)),
    );
    yield* named(
      'refunds that are paid more than once',
      [...paid].filter(([, rows]) => rows.length > 1).map(([key]) => key),
    );
    yield* named(
      'refunds of nothing that was sent',
      [...paid.keys()].filter((key) => !byKey.has(key)),
    );
    const wrong = [...byKey].filter(([key, [{ as }]]) => {
      const isWrong = (row) =>
        row.advertiser_id !== as.refund.advertiserId || millionths(row.amount) !== millionths(as.refund.amount);
      return paid.get(key)?.some(isWrong);
    });
    yield* named(
      'refunds that are paid wrongly',
      wrong.map(([key]) => key),
    );
  }

  /** From what was sent, each once: rows that are there twice do not count. */
  *balances() {
    const moved = new Map();
    const move = (id, amount) => moved.set(id, (moved.get(id) ?? 0n) + amount);
    for (const record of this.#records) {
      const price = this.#priceOf(record);
      if (price !== undefined) move(record.as.click.advertiserId, -price);
    }
    const refunds = groupBy(
      this.#records.filter(({ as }) => as.refund),
      keyOfRefund,
    );
    for (const [{ as }] of refunds.values()) move(as.refund.advertiserId, millionths(as.refund.amount));
    const wrong = this.#e.advertisers.flatMap(({ id, balance, opening_balance: opening }) => {
      const expected = decimal(millionths(opening) + (moved.get(id) ?? 0n));
      return balance === expected ? [] : [`advertiser ${id} has ${balance}, expected ${expected}`];
    });
    yield* named('wrong balances', wrong);
  }

  *days() {
    const spent = this.#spentByDay();
    const found = new Map(this.#e.days.map((row) => [`${row.campaign_id} ${row.day}`, row]));
    const names = new Set([...spent.keys(), ...found.keys()]);
    const wrong = [...names].flatMap((name) => {
      const expected = decimal(spent.get(name) ?? 0n);
      const said = found.get(name)?.spent ?? 'nothing';
      return said === expected ? [] : [`campaign ${name}: ${said}, expected ${expected}`];
    });
    yield* named('wrong days of campaigns', wrong);
  }

  *letters() {
    const poison = this.#records.filter(({ as }) => as.code);
    const found = groupBy(this.#e.letters, placeOf);
    yield* named(
      'poison that is no dead letter',
      poison.filter(({ place, isLost }) => !found.has(place) && !isLost).map(({ place }) => place),
    );
    const places = new Map(poison.map((record) => [record.place, record]));
    yield* named(
      'dead letters of what is no poison',
      this.#e.letters.filter((letter) => !places.has(placeOf(letter))).map((one) => `${placeOf(one)} ${one.code}`),
    );
    const isAsSent = (letter, { as, timestamp }) =>
      letter.code === as.code &&
      letter.timestamp === timestamp &&
      letter.group_id === GROUP_OF[letter.topic] &&
      letter.value?.equals(as.value);
    const wrong = this.#e.letters.filter((letter) => {
      const record = places.get(placeOf(letter));
      return record && !isAsSent(letter, record);
    });
    yield* named(
      'dead letters that are not what was sent',
      wrong.map((letter) => `${placeOf(letter)} ${letter.code}`),
    );
    const untold = this.#e.letters.filter(({ topic, partition, offset, timestamp, group_id: group }) => {
      if (topic === ALERT_TOPIC) return false; // an alert about alerts would never end
      return !this.#alertIds.has(`dead-letter:${topic}:${partition}:${offset}:${timestamp}:${group}:1`);
    });
    yield* named('dead letters without an alert', untold.map(placeOf));
  }

  *alerts() {
    const exhausted = this.#e.histories.filter(({ type, amount, balance_after: after }) => {
      const balance = millionths(after);
      return type === 'DEDUCT' && balance <= 0n && balance + millionths(amount) > 0n;
    });
    yield* named(
      'exhausted balances without an alert',
      exhausted
        .map(({ idempotency_key: key }) => `balance-exhausted:${key}`)
        .filter((alertId) => !this.#alertIds.has(alertId)),
    );
    const stored = new Map(this.#e.deliveries.map((row) => [row.alert_id, row]));
    yield* named(
      'alerts that are not stored for Slack',
      [...this.#alertIds].filter((alertId) => !stored.has(alertId)),
    );
    yield* named(
      'alerts that Slack was not told',
      [...stored.values()]
        .filter(({ status, grouped }) => status === 'FAILED' || (status === 'PENDING' && !grouped))
        .map(({ alert_id: alertId }) => alertId),
    );
    yield* named(
      'consumers that halted',
      this.#e.alerts.filter(({ type }) => type === 'CONSUMER_HALTED').map(({ alertId }) => alertId),
    );
  }

  *campaigns() {
    const spent = this.#spentByDay();
    const transitions = groupBy(this.#e.transitions, ({ campaign_id: id }) => id);
    const wrong = this.#e.campaigns.flatMap((campaign) => {
      const as = cast.find(({ id }) => id === campaign.id);
      if (as === undefined || as.budget === null) return [];
      const days = [...spent].filter(([name]) => name.startsWith(`${campaign.id} `));
      const found = {
        ...{ campaign, raises: this.#e.raises.get(campaign.id) ?? 0, changes: transitions.get(campaign.id) ?? [] },
        spentToday: spent.get(`${campaign.id} ${this.#e.today}`) ?? 0n,
        isOver: days.some(([, amount]) => amount >= millionths(/** @type {string} */ (as.budget))),
      };
      return [...wrongStatus(found), ...this.#missingWarning(found)].map((what) => `campaign ${campaign.id} ${what}`);
    });
    yield* named('campaigns that do not keep to their budgets', wrong);
    const untold = this.#e.transitions.filter(({ id, to_status: to, announced }) => {
      return !announced || !this.#alertIds.has(`campaign-${to === 'PAUSED' ? 'paused' : 'resumed'}:${id}`);
    });
    yield* named(
      'transitions without an alert',
      untold.map(({ id, campaign_id: campaign, to_status: to }) => `${id} (campaign ${campaign} ${to})`),
    );
  }

  *offsets() {
    const behind = this.#e.offsets.filter(({ committed, end }) => committed !== end);
    yield* named(
      'groups that are not at the end',
      behind.map(({ group, topic, partition, committed, end }) => {
        return `${group} at ${committed} of ${end} in ${topic}:${partition}`;
      }),
    );
  }

  *commands() {
    const { reconcile, accounts } = this.#e;
    // A broker that is killed may forget that it removed records: they stand there again, and are told as lost.
    const lost = new Set(this.#records.filter(({ isLost }) => isLost).map(({ place }) => place));
    if (reconcile.code !== 0) yield `reconcile says ${reconcile.code}: ${reconcile.output.trim()}`;
    for (const { topic, missing, twice, pending } of accounts) {
      yield* named(
        `account-for ${topic}: missing`,
        missing.filter((place) => !lost.has(place)),
      );
      yield* named(`account-for ${topic}: twice`, twice);
      if (pending > 0) yield `account-for ${topic}: ${pending} pending`;
    }
  }

  *workers() {
    yield* this.#e.complaints;
    const lines = this.#e.said.filter(({ line }) => !PROVOKED.some((pattern) => pattern.test(line)));
    yield* named(
      'errors that Workers logged',
      lines.map(({ file, line }) => `${file}: ${line}`),
    );
  }

  /** @param {{ campaign: { id: number, daily_budget: string }, raises: number, spentToday: bigint }} found */
  #missingWarning({ campaign, raises, spentToday }) {
    const budget = millionths(campaign.daily_budget);
    const isNear = spentToday * 10n >= budget * 9n && spentToday < budget;
    const alertId = `budget-warning:${campaign.id}:${this.#e.today}`;
    return isNear && raises === 0 && !this.#alertIds.has(alertId) ? ['has no warning'] : [];
  }

  /** In millionths, by `campaign day`. */
  #spentByDay() {
    const spent = new Map();
    for (const record of this.#records) {
      const price = this.#priceOf(record);
      if (price === undefined) continue;
      const name = `${record.as.click.id} ${this.#e.dayOf(Number(record.timestamp))}`;
      spent.set(name, (spent.get(name) ?? 0n) + price);
    }
    return spent;
  }

  /** What a click has to cost, in millionths: at the price of whom its charge names; what is lost costs nothing. */
  #priceOf({ as, place }) {
    const [charge] = this.#postings.get(place) ?? [];
    if (as.click === undefined || charge === undefined) return undefined;
    return millionths(priceBy(charge.price_source, as.click));
  }

  /** It was removed before it was read, and that was told. */
  #isLost(record, removed) {
    if (!removed.has(placeOf(record))) return false;
    return this.#e.alerts.some(({ type, subject, details }) => {
      if (type !== 'OFFSET_LOST' || subject.topic !== record.topic) return false;
      const { partition, from, to } = details;
      const offset = BigInt(record.offset);
      return Number(partition) === record.partition && BigInt(from) <= offset && offset < BigInt(to);
    });
  }
}

/** @param {{ campaign: any, raises: number, changes: any[], spentToday: bigint, isOver: boolean }} found */
function* wrongStatus({ campaign: { status, daily_budget: budget }, raises, changes, spentToday, isOver }) {
  const expected = spentToday >= millionths(budget) ? 'PAUSED' : 'ACTIVE';
  if (status !== expected) yield `is ${status}, expected ${expected}: it has spent ${decimal(spentToday)} of ${budget}`;
  const pauses = changes.filter(({ to_status: to }) => to === 'PAUSED');
  if (pauses.length > 0 && !isOver) yield 'was paused below its budget';
  for (const [day, ofDay] of groupBy(pauses, (pause) => pause.day)) {
    if (ofDay.length > 1 + raises) yield `was paused ${ofDay.length} times on ${day}`;
  }
  let before = 'ACTIVE';
  for (const { id, from_status: from, to_status: to } of changes) {
    if (from !== before || from === to) yield `went from ${from} to ${to} while it was ${before} (${id})`;
    before = to;
  }
  if (before !== status) yield `is ${status}, but its last transition made it ${before}`;
}

function wrongCharge({ place, as: { click, eventId } }, charge) {
  const price = priceBy(charge.price_source, click);
  const isRight =
    charge.type === 'DEDUCT' &&
    charge.advertiser_id === click.advertiserId &&
    charge.campaign_id === click.id &&
    charge.event_id === eventId &&
    millionths(charge.amount) === millionths(price);
  return isRight ? [] : [`${place}: ${charge.amount} (${charge.price_source}), expected ${price}`];
}

const priceBy = (source, { redisPrice, databasePrice }) => (source === 'redis' ? redisPrice : databasePrice);
const keyOfRefund = ({ as, place, timestamp }) =>
  as.refund.key === undefined ? `record:${place}:${timestamp}` : `compensation:${as.refund.key}`;
const placeOf = ({ topic, partition, offset }) => `${topic}:${partition}:${offset}`;
const placeOfHistory = (row) => `${row.source_topic}:${row.source_partition}:${row.source_offset}`;

/** One finding for all of a kind. @param {string} what @param {string[]} offenders */
function* named(what, offenders) {
  if (offenders.length === 0) return;
  const more = offenders.length > NAMED ? ` … and ${offenders.length - NAMED} more` : '';
  yield `${what}: ${offenders.length} (${offenders.slice(0, NAMED).join(', ')}${more})`;
}
