import { PoisonError } from '../platform/failure.js';

export const ALERT_TYPES = [
  'BUDGET_WARNING',
  'CAMPAIGN_PAUSED',
  'CAMPAIGN_RESUMED',
  'BALANCE_EXHAUSTED',
  'DEAD_LETTER',
  'DUPLICATE_CLICK_RATE',
  'OFFSET_LOST',
  'CONSUMER_HALTED',
] as const;
export type AlertType = (typeof ALERT_TYPES)[number];

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Whom or what an alert is about. Ids are text: JSON numbers lose digits. */
interface AlertSubject {
  readonly campaignId?: string;
  readonly advertiserId?: string;
  readonly topic?: string;
}

/** A record of `alert-events`. */
export interface Alert {
  /** Follows from what happened: a repeat is recognised by it. */
  readonly alertId: string;
  readonly type: AlertType;
  readonly severity: Severity;
  /** ISO 8601. */
  readonly occurredAt: string;
  readonly subject: AlertSubject;
  /** A sentence for a person. */
  readonly message: string;
  /** What the type promises, for machines; money in it is decimal text. */
  readonly details: Readonly<Record<string, unknown>>;
}

const LONGEST_ID = 500;

/**
 * Holds plain JSON to the shape of an alert.
 *
 * @throws PoisonError `INVALID_EVENT`, which names the field
 */
export function readAlert(json: unknown): Alert {
  const { alertId, type, severity, occurredAt, subject = {}, message, details = {} } = objectOf('alert', json);
  return {
    alertId: textOf('alertId', alertId, LONGEST_ID),
    type: oneOf('type', type, ALERT_TYPES),
    severity: oneOf('severity', severity, SEVERITIES),
    occurredAt: timeOf('occurredAt', occurredAt),
    subject: subjectOf(objectOf('subject', subject)),
    message: textOf('message', message),
    details: objectOf('details', details),
  };
}

function subjectOf(subject: Record<string, unknown>): AlertSubject {
  const known = ['campaignId', 'advertiserId', 'topic'].flatMap((name) => {
    const value = subject[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [];
  });
  return Object.fromEntries(known) as AlertSubject;
}

function objectOf(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, value, 'an object');
  return value as Record<string, unknown>;
}

function textOf(field: string, value: unknown, longest = Infinity): string {
  if (typeof value === 'string' && value !== '' && value.length <= longest && !value.includes('\0')) return value;
  throw invalid(field, value, longest === Infinity ? 'text' : `text of 1 to ${longest} characters`);
}

function oneOf<T extends string>(field: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw invalid(field, value, `one of ${allowed.join(', ')}`);
}

function timeOf(field: string, value: unknown): string {
  if (typeof value === 'string' && !Number.isNaN(Date.parse(value))) return value;
  throw invalid(field, value, 'an ISO 8601 time');
}

function invalid(field: string, value: unknown, wish: string): PoisonError {
  const text = textOfAny(value);
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new PoisonError('INVALID_EVENT', `${field} ${shown}: must be ${wish}`);
}

function textOfAny(value: unknown): string {
  if (value === undefined) return 'undefined';
  try {
    return JSON.stringify(value);
  } catch {
    return 'that is nested too deep';
  }
}
