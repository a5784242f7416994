import { storableText } from '../platform/database/storable-text.js';

/** Deeper than any alert goes; `JSON.stringify` would run out of stack far below. */
const DEEPEST = 20;

/**
 * JSON text that `jsonb` takes, whatever an event brought: no NUL, no half of a surrogate pair, no bottomless nesting.
 */
export function storableJson(value: unknown): string {
  return JSON.stringify(storable(value, 0));
}

function storable(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return '…';
  if (Array.isArray(value)) return value.map((each) => storable(each, depth + 1));
  const fields = Object.entries(value).map(([name, field]) => [storableText(name), storable(field, depth + 1)]);
  return Object.fromEntries(fields);
}
