import type { TalliedCause } from '../dlq/causes-tally.js';
import { CLICK_TOPIC } from '../dlq/click-charges.js';
import type { DiscardReport } from '../dlq/discard-letters.js';
import type { RecordPlace, WholeLetter } from '../dlq/find-letters.sql.js';
import type { Cause } from '../dlq/group-letters.js';
import type { LetterLine } from '../dlq/letter-row.js';
import type { RehearsedCause } from '../dlq/rehearse-letters.js';
import type { ReplayReport } from '../dlq/replay-letters.js';
import type { LetterStatus } from '../dlq/letter-status.js';
import { hexDump } from './hex-dump.js';
import { prettyJson } from './pretty-json.js';
import { printable } from './printable.js';
import { table } from './table.js';

/** A dump of more is for a file: `--json` has all of it. */
const MOST_DUMPED = 4_096;
const utf8 = new TextDecoder('utf-8', { fatal: true });

export const moment = (time: Date | null): string =>
  time === null
    ? ''
    : time
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z');

const number = (value: number): string => value.toLocaleString('en-US');
const letters = (count: number): string => `${number(count)} ${count === 1 ? 'dead letter' : 'dead letters'}`;

export function listTable(lines: readonly LetterLine[], width: number): Generator<string> {
  return table(
    ['id', 'status', 'failed at', 'record', 'code', 'attempts', 'campaign', 'advertiser', 'message'],
    lines.map((each) => [
      each.id,
      each.status,
      moment(each.failedAt),
      `${each.topic}:${each.partition}:${each.offset}`,
      each.code,
      String(each.attempts),
      each.campaignId ?? '',
      each.advertiserId ?? '',
      each.message,
    ]),
    width,
  );
}

/** A cause is never cut: `--cause` takes it as it stands here. */
export function groupTable(causes: readonly Cause[]): Generator<string> {
  return table(
    ['count', 'topic', 'code', 'first', 'last', 'advertisers', 'campaigns', 'money', 'cause'],
    causes.map((each) => [
      number(each.count),
      each.topic,
      each.code,
      moment(each.firstFailedAt),
      moment(each.lastFailedAt),
      number(each.advertisers),
      number(each.campaigns),
      moneyWords(each),
      each.cause,
    ]),
  );
}

export function discardTable(causes: readonly Cause[]): Generator<string> {
  return table(
    ['count', 'topic', 'code', 'last', 'money', 'cause'],
    causes.map((each) => [
      number(each.count),
      each.topic,
      each.code,
      moment(each.lastFailedAt),
      moneyWords(each),
      each.cause,
    ]),
  );
}

/** What the money of a click and of everything else waits for. */
const DEAD = { click: 'not charged', other: 'not refunded' } as const;
const SENT = { click: 'to charge', other: 'to refund' } as const;

function moneyWords(
  { topic, amount, pricedCount, count }: TalliedCause,
  words: typeof DEAD | typeof SENT = DEAD,
): string {
  if (amount === null) return 'unknown';
  const money = `${amount} ${topic === CLICK_TOPIC ? words.click : words.other}`;
  return pricedCount === count ? money : `${money} for ${number(pricedCount)}`;
}

/** `ad-events, UNKNOWN_PRICE, 2.50 not charged: campaignId #: …`. */
function causeWords(cause: TalliedCause, words: typeof DEAD | typeof SENT = DEAD): string {
  const money = cause.amount === null ? 'money unknown' : moneyWords(cause, words);
  return `${printable(cause.topic)}, ${cause.code}, ${money}: ${printable(cause.cause)}`;
}

/** Why nothing was chosen by a cause. */
export function causeFault(cause: string, counts: readonly { status: LetterStatus; count: number }[]): string {
  const named = `--cause "${printable(cause)}"`;
  if (counts.length === 0) return `${named}: there is no such cause; "dlq groups" prints those that there are`;
  const there = counts.map(({ status, count }) => `${number(count)} ${status}`).join(', ');
  return `${named}: none of its dead letters is chosen: ${there}`;
}

/** Why a place does not say which letter is meant. */
export function* placeFault(
  { topic, partition, offset }: RecordPlace,
  found: readonly Pick<LetterLine, 'id' | 'group' | 'failedAt'>[],
): Generator<string> {
  const place = `${printable(topic)}:${partition}:${offset}`;
  if (found.length === 0) {
    yield `there is no dead letter of ${place}`;
    return;
  }
  yield `there are ${letters(found.length)} of ${place}; show one by its id:`;
  for (const { id, group, failedAt } of found) yield `  ${id} of ${printable(group)}, failed ${moment(failedAt)}`;
}

/** Everything about one, for a person. */
export function* letterWords(letter: WholeLetter): Generator<string> {
  yield `dead letter ${letter.id}: ${letter.status}`;
  yield `  record      ${printable(letter.topic)}, partition ${letter.partition}, offset ${letter.offset}`;
  yield `  written     ${moment(timeOf(letter.recordTimestamp))} (${letter.recordTimestamp})`;
  yield `  group       ${printable(letter.group)}`;
  if (letter.campaignId !== null) yield `  campaign    ${letter.campaignId}`;
  if (letter.advertiserId !== null) yield `  advertiser  ${letter.advertiserId}`;
  yield `  error       ${letter.code}: ${printable(letter.message)}`;
  if (letter.actor !== null) yield `  decided by  ${printable(letter.actor)}: ${printable(letter.reason ?? '')}`;
  if (letter.replayedAt !== null) yield `  replayed    ${moment(letter.replayedAt)}`;
  if (letter.closedAt !== null) yield `  closed      ${moment(letter.closedAt)}`;
  yield 'attempts';
  for (const each of letter.history) {
    yield `  ${each.attempt}  ${moment(each.failedAt)}  ${each.code}: ${printable(each.message)}`;
    if (each.actor !== null) yield `     then ${printable(each.actor)}: ${printable(each.reason ?? '')}`;
  }
  yield* bytesWords('key', letter.key);
  yield letter.headers.length === 0 ? 'headers: none' : 'headers';
  for (const [name, base64] of letter.headers) {
    const bytes = Buffer.from(base64, 'base64');
    yield `  ${printable(name)}: ${printable(textOf(bytes) ?? bytes.toString('hex'))}`;
  }
  yield* bytesWords('value', letter.value);
}

function* bytesWords(what: string, bytes: Buffer | null): Generator<string> {
  if (bytes === null || bytes.length === 0) {
    yield `${what}: ${bytes === null ? 'null' : 'empty'}`;
    return;
  }
  const text = textOf(bytes);
  const size = `${number(bytes.length)} ${bytes.length === 1 ? 'byte' : 'bytes'}`;
  if (text !== undefined && isJson(text)) {
    yield `${what}, ${size} of JSON`;
    for (const line of prettyJson(text).split('\n')) yield `  ${printable(line)}`;
  } else if (text !== undefined && isPlain(text)) {
    yield `${what}, ${size} of text`;
    for (const line of text.split('\n')) yield `  ${printable(line)}`;
  } else {
    yield `${what}, ${size}`;
    for (const line of hexDump(bytes.subarray(0, MOST_DUMPED))) yield `  ${line}`;
    if (bytes.length > MOST_DUMPED) yield `  … and ${number(bytes.length - MOST_DUMPED)} more bytes: --json has them`;
  }
}

/** For a program: bytes as base64, and as text where they are. */
export function letterJson(letter: WholeLetter): object {
  const bytes = (value: Buffer | null): object | null => {
    if (value === null) return null;
    const text = textOf(value);
    return { base64: value.toString('base64'), ...(text !== undefined && { text }) };
  };
  return { ...letter, key: bytes(letter.key), value: bytes(letter.value) };
}

export function* replayWords(report: ReplayReport): Generator<string> {
  yield `sent ${number(report.sent)} of ${letters(report.chosen)}`;
  for (const cause of report.causes) yield `  ${number(cause.count)} of ${causeWords(cause, SENT)}`;
  if (report.foreign > 0) {
    yield `${letters(report.foreign)} cannot be replayed: somebody else wrote them to the dead-letter topic`;
  }
  if (report.takenByOthers > 0) yield `${letters(report.takenByOthers)} were decided on by somebody else meanwhile`;
  if (report.notSent > 0) yield `${letters(report.notSent)} could not be sent, and are NEW again:`;
  for (const { id, error } of report.unsent) yield `  ${id}: ${printable(error)}`;
  if (report.gaveUp !== undefined) yield `gave up: ${printable(report.gaveUp)}`;
  if (report.stopped) yield 'stopped when asked to: the rest is as it was';
}

export function* discardWords(report: DiscardReport): Generator<string> {
  yield `discarded ${number(report.discarded)} of ${letters(report.chosen)}`;
  for (const cause of report.causes) yield `  ${number(cause.count)} of ${causeWords(cause)}`;
  if (report.stopped) yield 'stopped when asked to: the rest is as it was';
}

export function* rehearsalWords(causes: readonly RehearsedCause[]): Generator<string> {
  if (causes.length === 0) yield 'there is nothing to replay';
  for (const cause of causes) {
    yield `${letters(cause.count)} of ${causeWords(cause)}`;
    const settled = [
      [cause.posted, 'would be posted'],
      [cause.handled, 'would be handled'],
      [cause.repeated, 'were posted before: a replay resolves them and moves no money'],
      [cause.skipped, 'would be skipped'],
    ] as const;
    for (const [count, words] of settled) if (count > 0) yield `  ${number(count)} ${words}`;
    for (const { count, code, why } of cause.failing) {
      yield `  ${number(count)} would fail again: ${code ?? ''}, ${printable(why)}`;
    }
    for (const { count, why } of cause.waiting) yield `  ${number(count)} would wait: ${printable(why)}`;
    for (const { count, why } of cause.unknown) yield `  ${number(count)} unknown: ${printable(why)}`;
  }
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Without control characters, but for the ones of a text of several lines. */
function isPlain(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- these are what it is about
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text);
}

/** A record's time may be any number; a `Date` has its bounds. */
function timeOf(ms: string): Date | null {
  const time = new Date(Number(ms));
  return Number.isNaN(time.getTime()) ? null : time;
}
