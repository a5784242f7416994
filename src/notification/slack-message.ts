import type { Alert, Severity } from '../alerts/alert.js';
import {
  commandOf,
  countOf,
  detailFacts,
  severityOf,
  subjectFacts,
  timeWords,
  titleOf,
  type Fact,
} from './alert-wording.js';
import type { GroupMessage, Message } from './notification-channel.js';
import { readable, readableLine } from './readable-text.js';

/** Slack's limits: https://docs.slack.dev/reference/block-kit/blocks, in characters and pieces. */
export const SLACK_LIMITS = { headerChars: 150, textChars: 3_000, fieldChars: 2_000, fields: 10, blocks: 50 } as const;

/** Long enough for a person; the whole alert is in the topic and the table. */
const MESSAGE_CHARS = 2_000;
const VALUE_CHARS = 300;
const LABEL_CHARS = 50;
const EXAMPLE_CHARS = 300;
/** Of a command no piece is of use. */
const COMMAND_CHARS = 500;

const SIGNS: Readonly<Record<Severity, string>> = {
  critical: ':red_circle:',
  warning: ':large_orange_circle:',
  info: ':large_green_circle:',
};

/** Text of an event: Slack formats nothing in it, and there is no other way to have a `*` stay one. */
interface PlainText {
  readonly type: 'plain_text';
  readonly text: string;
  readonly emoji: false;
}

/** Words of ours, and of an event no more than what stands as code. */
interface Mrkdwn {
  readonly type: 'mrkdwn';
  readonly text: string;
  /** Nothing in it becomes a link or a mention by itself. */
  readonly verbatim: true;
}

type Block =
  | { readonly type: 'header'; readonly text: { readonly type: 'plain_text'; readonly text: string } }
  | { readonly type: 'section'; readonly text?: PlainText | Mrkdwn; readonly fields?: readonly Mrkdwn[] }
  | { readonly type: 'context'; readonly elements: readonly Mrkdwn[] };

export interface SlackPayload {
  /** For notifications and screen readers. */
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Of `text`; each block says it for itself. */
  readonly mrkdwn: false;
  readonly parse: 'none';
  readonly link_names: false;
  readonly unfurl_links: false;
  readonly unfurl_media: false;
}

/** The body of a request to an incoming webhook. */
export function slackPayload(message: Message): SlackPayload {
  const title = `${SIGNS[severityOf(message)]} ${titleOf(message)}`;
  const said = message.kind === 'single' ? message.alert.message : message.examples[0].message;
  return {
    text: readableLine(title, SLACK_LIMITS.headerChars) + ': ' + readableLine(said, EXAMPLE_CHARS, escapeSlack),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: readableLine(title, SLACK_LIMITS.headerChars) } },
      ...(message.kind === 'single' ? singleBlocks(message.alert) : groupBlocks(message)),
      ...lookBlocks(message),
    ],
    mrkdwn: false,
    parse: 'none',
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
  };
}

function singleBlocks(alert: Alert): Block[] {
  const facts = [...subjectFacts(alert), ...detailFacts(alert)];
  const fields = facts.slice(0, SLACK_LIMITS.fields).map(factText);
  return [
    { type: 'section', text: plainText(readable(alert.message, MESSAGE_CHARS, escapeSlack)) },
    ...(fields.length === 0 ? [] : [{ type: 'section', fields } as const]),
    { type: 'context', elements: [mrkdwn(`${timeWords(alert.occurredAt)}  ${code(alert.alertId)}`)] },
  ];
}

function groupBlocks(message: GroupMessage): Block[] {
  const { examples, firstAt, lastAt } = message;
  const kinds = subjectFacts({ ...examples[0], subject: topicOf(examples[0]) }).map(factText);
  const from = `*${countOf(message)}* more between ${timeWords(firstAt)} and ${timeWords(lastAt)}, for example:`;
  return [
    { type: 'section', text: mrkdwn(from), ...(kinds.length === 0 ? {} : { fields: kinds }) },
    ...examples.map((alert) => ({ type: 'section', text: plainText(exampleText(alert)) }) as const),
  ];
}

function lookBlocks(message: Message): Block[] {
  const command = commandOf(message);
  if (command === undefined) return [];
  return [
    {
      type: 'section',
      text: mrkdwn(`Look at ${message.kind === 'single' ? 'it' : 'them'}: ${code(command, COMMAND_CHARS)}`),
    },
  ];
}

function topicOf({ subject }: Alert): Alert['subject'] {
  return subject.topic === undefined ? {} : { topic: subject.topic };
}

function exampleText(alert: Alert): string {
  const ids = subjectFacts(alert).map(
    ({ label, value }) => `${label}: ${readableLine(value, VALUE_CHARS, escapeSlack)}`,
  );
  return [`• ${readableLine(alert.message, EXAMPLE_CHARS, escapeSlack)}`, ...ids].join('\n');
}

function factText({ label, value }: Fact): Mrkdwn {
  return mrkdwn(`*${plainLabel(label)}*\n${code(value)}`);
}

/** That of a detail which the Worker does not know is its name in the event: nothing in it may end the bold, or begin anything. */
function plainLabel(label: string): string {
  return readableLine(label.replaceAll(/[^\p{L}\p{N}]+/gu, ' '), LABEL_CHARS) || '…';
}

/** Ids and values as they are: nothing in them is formatted, and they can be copied. */
function code(value: string, longest = VALUE_CHARS): string {
  // A backtick would end it; an empty one is shown as two backticks.
  return `\`${readableLine(value.replaceAll('`', 'ˋ'), longest, escapeSlack) || ' '}\``;
}

function plainText(text: string): PlainText {
  return { type: 'plain_text', text: text === '' ? '…' : text, emoji: false };
}

function mrkdwn(text: string): Mrkdwn {
  return { type: 'mrkdwn', text, verbatim: true };
}

/** The three characters that Slack gives a meaning in every text, plain ones too: https://docs.slack.dev/messaging/formatting-message-text */
function escapeSlack(character: string): string {
  return SLACK[character] ?? character;
}

const SLACK: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
