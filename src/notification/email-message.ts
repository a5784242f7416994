import { createHash } from 'node:crypto';
import type { Alert } from '../alerts/alert.js';
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
import type { Message } from './notification-channel.js';
import { escapeHtml, readable, readableLine } from './readable-text.js';

/** A header line is folded from 78 characters on; what is longer nobody reads in a list of mails. */
export const SUBJECT_CHARS = 120;
const MESSAGE_CHARS = 10_000;
const VALUE_CHARS = 1_000;

export interface EmailContent {
  /** One line. */
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The local part of a `Message-ID`: a mail that is sent again after a crash bears the same. */
  readonly id: string;
}

export function emailContent(message: Message): EmailContent {
  const title = titleOf(message);
  const [first, ...rest] = message.kind === 'single' ? ([message.alert] as const) : message.examples;
  const about = message.kind === 'single' ? subjectFacts(first) : [];
  const subject = [
    `[${severityOf(message)}] ${title}`,
    ...about.map(({ label, value }) => `${label.toLowerCase()} ${value}`),
  ];
  const lead =
    message.kind === 'single'
      ? undefined
      : `${countOf(message)} more between ${timeWords(message.firstAt)} and ${timeWords(message.lastAt)}, for example:`;
  const command = commandOf(message);
  const look = command === undefined ? [] : [`Look at ${message.kind === 'single' ? 'it' : 'them'}: ${command}`];
  return {
    subject: readableLine(subject.join(', '), SUBJECT_CHARS),
    text: [...(lead === undefined ? [] : [lead]), ...[first, ...rest].map(alertText), ...look].join('\n\n'),
    html: page(title, lead, [first, ...rest], look),
    id: createHash('sha256').update(idOf(message)).digest('hex').slice(0, 40),
  };
}

function idOf(message: Message): string {
  if (message.kind === 'single') return `single ${message.alert.alertId}`;
  return `group ${message.examples[0].alertId} ${message.count} ${message.lastAt}`;
}

function alertText(alert: Alert): string {
  const facts = factsOf(alert).map(
    ({ label, value }) => `${readableLine(label, 50)}: ${readableLine(value, VALUE_CHARS)}`,
  );
  return [readable(alert.message, MESSAGE_CHARS), ...facts].join('\n');
}

function page(title: string, lead: string | undefined, alerts: readonly Alert[], look: readonly string[]): string {
  return [
    `<!doctype html><html><head><meta charset="utf-8"><title>${html(title, 150)}</title></head>`,
    `<body style="font-family:sans-serif"><h2>${html(title, 150)}</h2>`,
    ...(lead === undefined ? [] : [`<p>${html(lead, 500)}</p>`]),
    ...alerts.map(alertHtml),
    ...look.map((line) => `<p>${html(line, 500)}</p>`),
    '</body></html>',
  ].join('\n');
}

function alertHtml(alert: Alert): string {
  const rows = factsOf(alert).map(
    ({ label, value }) =>
      `<tr><th align="left">${html(label, 50)}</th><td><code>${html(value, VALUE_CHARS)}</code></td></tr>`,
  );
  const said = readable(alert.message, MESSAGE_CHARS, escapeHtml).replaceAll('\n', '<br>');
  return `<p>${said}</p><table cellpadding="4">${rows.join('')}</table>`;
}

function factsOf(alert: Alert): Fact[] {
  return [
    ...subjectFacts(alert),
    ...detailFacts(alert),
    { label: 'Time', value: timeWords(alert.occurredAt) },
    { label: 'Alert', value: alert.alertId },
  ];
}

const html = (text: string, longest: number): string => readableLine(text, longest, escapeHtml);
