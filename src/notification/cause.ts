import type { Alert } from '../alerts/alert.js';

/** Part of an index: long ones would not fit. */
const LONGEST_CHARS = 200;

/** What alerts of a flood have in common: a dead letter's topic and code, of others the type alone. */
export function causeOf({ type, subject, details }: Alert): string {
  if (type !== 'DEAD_LETTER') return type;
  const code = typeof details['code'] === 'string' ? details['code'] : '';
  return [type, subject.topic ?? '', code].join(' ').replaceAll('\0', '').slice(0, LONGEST_CHARS).toWellFormed();
}
