import type { Alert } from '../alerts/alert.js';
import { storableText } from '../platform/database/storable-text.js';

/** Part of an index: long ones would not fit. */
const LONGEST_CHARS = 200;

/** What alerts of a flood have in common: a dead letter's topic and code, of others the type alone. */
export function causeOf({ type, subject, details }: Alert): string {
  if (type !== 'DEAD_LETTER') return type;
  const code = typeof details['code'] === 'string' ? details['code'] : '';
  return storableText([type, subject.topic ?? '', code].join(' '), LONGEST_CHARS);
}
