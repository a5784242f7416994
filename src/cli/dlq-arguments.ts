import { LONGEST_CAUSE } from '../dlq/cause.js';
import { LETTER_STATUSES } from '../dlq/letter-status.js';
import type { RecordPlace } from '../dlq/find-letters.sql.js';
import type { Selection } from '../dlq/selection.js';
import { readId } from '../platform/events/values.js';
import { POISON_CODES } from '../platform/failure.js';
import { Given, timeOf } from './given.js';
import { UsageError } from './usage-error.js';

/** What `dlq …` is asked to do. */
export type DlqCommand =
  | {
      readonly name: 'list';
      readonly selection: Selection;
      readonly before: bigint;
      readonly limit: number;
      json: boolean;
    }
  | { readonly name: 'groups'; readonly selection: Selection; json: boolean }
  | ({ readonly name: 'show'; json: boolean } & ShownLetter)
  | DecideCommand;

/** One letter, by its id or by where its record stood. */
export type ShownLetter = { readonly id: bigint } | { readonly place: RecordPlace };

export interface DecideCommand {
  readonly name: 'replay' | 'discard';
  readonly selection: Selection;
  /** Empty in a dry run that names nobody. */
  readonly by: string;
  readonly reason: string;
  readonly ratePerSecond: number | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export const DLQ_USAGE = [
  'dlq list [FILTER…] [--status STATUS] [--limit N] [--before ID] [--json]    dead letters, the newest first',
  'dlq groups [FILTER…] [--status STATUS] [--json]    a line for each cause, with the money that was not moved',
  'dlq show ID | TOPIC:PARTITION:OFFSET [--json]    one of them, with all that is known of it',
  'dlq replay --id N… | FILTER… | --all  --by NAME --reason TEXT [--rate N] [--dry-run] [--json]',
  'dlq discard --id N… | FILTER… | --all  --by NAME --reason TEXT [--rate N] [--dry-run] [--json]',
  '    FILTER: --id N, --topic NAME, --code CODE, --cause TEXT, --campaign ID, --advertiser ID, --from TIME, --to TIME',
];

const NAMES = ['list', 'groups', 'show', 'replay', 'discard'] as const;
const FILTERS = ['id', 'topic', 'code', 'cause', 'campaign', 'advertiser', 'from', 'to'] as const;
const OPTIONS: Readonly<Record<(typeof NAMES)[number], readonly string[]>> = {
  list: [...FILTERS, 'status', 'all', 'before', 'limit', 'json'],
  groups: [...FILTERS, 'status', 'all', 'json'],
  show: ['id', 'json'],
  replay: [...FILTERS, 'all', 'by', 'reason', 'rate', 'dry-run', 'json'],
  discard: [...FILTERS, 'all', 'by', 'reason', 'rate', 'dry-run', 'json'],
};
const FLAGS = ['all', 'dry-run', 'json'];
/** Above every id. */
const NEWEST = 2n ** 63n - 1n;
const DEFAULT_LIMIT = 100;
const DEFAULT_RATE = 200;
const MOST_A_SECOND = 100_000;
const LONGEST_NAME = 200;
const LONGEST_REASON = 1_000;

/** @throws UsageError that names the option and what it wants */
export function parseDlq([word = '', ...words]: readonly string[]): DlqCommand {
  const name = NAMES.find((each) => each === word);
  if (name === undefined)
    throw new UsageError('dlq', `${word === '' ? 'what' : `unknown ${word}`}; there is ${NAMES.join(', ')}`);
  const given = new Given(`dlq ${name}`, words, OPTIONS[name], FLAGS);
  const json = given.has('json');
  switch (name) {
    case 'list':
      given.noWords();
      return {
        name,
        json,
        selection: selectionOf(given),
        before: given.read('before', idOf) ?? NEWEST,
        limit: given.read('limit', limitOf) ?? DEFAULT_LIMIT,
      };
    case 'groups':
      given.noWords();
      return { name, json, selection: { status: 'NEW', ...selectionOf(given) } };
    case 'show':
      return { name, json, ...onlyOne(given) };
    default:
      given.noWords();
      return { name, json, ...decisionOf(given, name) };
  }
}

function decisionOf(given: Given, name: DecideCommand['name']): Omit<DecideCommand, 'name' | 'json'> {
  const selection = selectionOf(given);
  if (Object.keys(selection).length === 0 && !given.has('all')) {
    throw given.fault(
      `which ones? Name them by --id, by ${FILTERS.slice(1)
        .map((each) => `--${each}`)
        .join(', ')}, or say --all`,
    );
  }
  const dryRun = given.has('dry-run');
  const by = given.read('by', (text) => textOf(text, LONGEST_NAME));
  const reason = given.read('reason', (text) => textOf(text, LONGEST_REASON));
  if (!dryRun && by === undefined) throw given.fault('--by NAME is missing: who decides this');
  if (!dryRun && reason === undefined) throw given.fault('--reason TEXT is missing: why');
  const rate = given.read('rate', (text) => wholeNumber(text, 1, MOST_A_SECOND));
  return {
    selection,
    by: by ?? '',
    reason: reason ?? '',
    dryRun,
    ratePerSecond: rate ?? (name === 'replay' ? DEFAULT_RATE : undefined),
  };
}

function selectionOf(given: Given): Selection {
  const ids = given.readAll('id', idOf);
  const selection = {
    ...optional(
      'topic',
      given.read('topic', (text) => textOf(text, LONGEST_NAME)),
    ),
    ...optional(
      'code',
      given.read('code', (text) => oneOf(text.toUpperCase(), POISON_CODES)),
    ),
    ...optional(
      'cause',
      given.read('cause', (text) => textOf(text, LONGEST_CAUSE)),
    ),
    ...optional('campaignId', given.read('campaign', idOf)),
    ...optional('advertiserId', given.read('advertiser', idOf)),
    ...optional('from', given.read('from', timeOf)),
    ...optional('to', given.read('to', timeOf)),
  };
  const status = optional(
    'status',
    given.read('status', (text) => oneOf(text.toUpperCase(), LETTER_STATUSES)),
  );
  const others = Object.keys(selection).length > 0;
  if (ids.length > 0 && others) throw given.fault('--id names the letters; it goes with no other filter');
  if (given.has('all') && (ids.length > 0 || others)) throw given.fault('--all goes with no filter');
  return { ...(ids.length > 0 && { ids }), ...selection, ...status };
}

/** `show 7` and `show --id 7`, or `show ad-events:0:41` as `list` and alerts write it. */
function onlyOne(given: Given): ShownLetter {
  const [text, another] = [...given.plain, ...given.texts('id')];
  if (text === undefined || another !== undefined) throw given.fault('wants one id');
  const place = placeOf(text);
  return place === undefined ? { id: given.parse('id', text, shownIdOf) } : { place };
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}

function idOf(text: string): bigint {
  const id = readId(text);
  if (id === undefined) throw new Error('must be a whole number above zero');
  return id;
}

function shownIdOf(text: string): bigint {
  const id = readId(text);
  if (id === undefined) throw new Error('must be a whole number above zero, or TOPIC:PARTITION:OFFSET');
  return id;
}

function placeOf(text: string): RecordPlace | undefined {
  const [, topic, partition, offset] = /^(.{1,249}):(\d{1,10}):(\d{1,19})$/.exec(text) ?? [];
  if (topic === undefined || Number(partition) >= 2 ** 31 || BigInt(offset ?? 0) > NEWEST) return undefined;
  return { topic, partition: Number(partition), offset: BigInt(offset ?? 0) };
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < least || value > most) {
    throw new Error(least === 0 ? 'must be a whole number' : `must be a whole number from ${least} to ${most}`);
  }
  return value;
}

/** 0 is all of them. */
function limitOf(text: string): number {
  const limit = wholeNumber(text, 0, Number.MAX_SAFE_INTEGER);
  return limit === 0 ? Number.MAX_SAFE_INTEGER : limit;
}

function textOf(text: string, longest: number): string {
  if (text.trim() === '' || text.length > longest || text.includes('\0')) {
    throw new Error(`must be text of 1 to ${longest} characters`);
  }
  return text.trim().toWellFormed();
}

function oneOf<const T extends readonly string[]>(text: string, allowed: T): T[number] {
  if (!allowed.includes(text)) throw new Error(`must be one of ${allowed.join(', ')}`);
  return text;
}
