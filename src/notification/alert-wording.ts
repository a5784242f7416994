import type { Alert, AlertType, Severity } from '../alerts/alert.js';
import type { GroupMessage, Message } from './notification-channel.js';

const TITLES: Readonly<Record<AlertType, string>> = {
  BUDGET_WARNING: 'Budget nearly spent',
  CAMPAIGN_PAUSED: 'Campaign paused',
  CAMPAIGN_RESUMED: 'Campaign resumed',
  BALANCE_EXHAUSTED: 'Balance exhausted',
  DEAD_LETTER: 'Dead letter',
  DUPLICATE_CLICK_RATE: 'Many duplicate clicks',
  OFFSET_LOST: 'Records lost',
  CONSUMER_HALTED: 'Consumer halted',
};

/** Details in the order in which a person asks for them; others follow. */
const LABELS: readonly (readonly [name: string, label: string])[] = [
  ['spent', 'Spent'],
  ['budget', 'Budget'],
  ['usageRate', 'Used'],
  ['balance', 'Balance'],
  ['code', 'Code'],
  ['message', 'Reason'],
  ['reason', 'Reason'],
  ['group', 'Group'],
  ['partition', 'Partition'],
  ['offset', 'Offset'],
  ['attempt', 'Attempt'],
  ['source', 'Source'],
  ['day', 'Day'],
];
const MOST_DETAILS = 10;

/** Something about an alert in two words; `value` is text from an event and not escaped. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** What happened, in words of ours. */
export function titleOf(message: Message): string {
  if (message.kind === 'single') return TITLES[message.alert.type];
  const [example] = message.examples;
  const { topic, code } = namesIn(example);
  const names =
    example.type === 'DEAD_LETTER' ? [topic && shortened(topic), code].filter((name) => name !== undefined) : [];
  const about = names.length === 0 ? '' : ` of ${names.join(', ')}`;
  return `${TITLES[example.type]}${about}: ${countOf(message)} more`;
}

/**
 * What somebody types to see what a message tells of, where that is more than the message says. Somebody copies it into a shell:
 * nothing of an event stands in it but what is a plain name or a number.
 */
export function commandOf(message: Message): string | undefined {
  const alert = message.kind === 'single' ? message.alert : message.examples[0];
  if (alert.type !== 'DEAD_LETTER') return undefined;
  const { topic, code, partition, offset } = namesIn(alert);
  if (topic === undefined) return undefined;
  if (message.kind === 'group')
    return `${CLI} dlq groups --topic ${topic}${code === undefined ? '' : ` --code ${code}`}`;
  return partition === undefined || offset === undefined
    ? undefined
    : `${CLI} dlq show ${topic}:${partition}:${offset}`;
}

const CLI = 'npm run cli --';
const PLAIN_NAMES = {
  topic: /^[\w.][\w.-]{0,248}$/, // as Kafka allows it, but for one that looks like an option
  code: /^\w{1,40}$/,
  partition: /^\d{1,10}$/,
  offset: /^\d{1,19}$/,
} as const;

/** What an alert says of a record, where it is written as such names are. */
function namesIn({ subject, details }: Alert): Partial<Record<keyof typeof PLAIN_NAMES, string>> {
  const said: Record<string, unknown> = { ...details, topic: subject.topic };
  const names = Object.entries(PLAIN_NAMES).flatMap(([name, pattern]) => {
    const text = wordOf(name, Object.hasOwn(said, name) ? said[name] : undefined);
    return text !== undefined && pattern.test(text) ? [[name, text]] : [];
  });
  return Object.fromEntries(names) as Partial<Record<keyof typeof PLAIN_NAMES, string>>;
}

/** A title is one short line. */
const shortened = (topic: string): string =>
  topic.length > LONGEST_TOPIC ? `${topic.slice(0, LONGEST_TOPIC)}…` : topic;
const LONGEST_TOPIC = 50;

export function countOf({ count }: GroupMessage): string {
  return count.toLocaleString('en-US');
}

/** The worst of what a message speaks of. */
export function severityOf(message: Message): Severity {
  const alerts = message.kind === 'single' ? [message.alert] : message.examples;
  const worst = (['critical', 'warning'] as const).find((each) => alerts.some(({ severity }) => severity === each));
  return worst ?? 'info';
}

/** Whom it is about. */
export function subjectFacts({ subject }: Alert): Fact[] {
  return [
    { label: 'Campaign', value: subject.campaignId },
    { label: 'Advertiser', value: subject.advertiserId },
    { label: 'Topic', value: subject.topic },
  ].filter((fact): fact is Fact => fact.value !== undefined && fact.value !== '');
}

/** How much, and why. */
export function detailFacts({ details }: Alert): Fact[] {
  const known = new Set(LABELS.map(([name]) => name));
  const others = Object.keys(details)
    .filter((name) => !known.has(name))
    .map((name) => [name, name] as const);
  return [...LABELS, ...others]
    .flatMap(([name, label]) => {
      const value = wordOf(name, Object.hasOwn(details, name) ? details[name] : undefined);
      return value === undefined ? [] : [{ label, value }];
    })
    .slice(0, MOST_DETAILS);
}

/** Lists and objects are for machines. */
function wordOf(name: string, value: unknown): string | undefined {
  if (name === 'usageRate' && typeof value === 'number') return `${(value * 100).toFixed(2)} %`;
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** `2026-03-01 10:00:00 UTC`. */
export function timeWords(time: string | number): string {
  return new Date(time)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
}
