import { exactNumbers } from '../platform/events/exact-numbers.js';
import { isAboveZero, readAmount, readId } from '../platform/events/values.js';

/** Whom a dead letter concerns, as far as its value tells. */
export interface LetterSubject {
  readonly campaignId: bigint | null;
  readonly advertiserId: bigint | null;
  /** What a compensation would have paid back, a decimal. */
  readonly refundAmount: string | null;
}

const NOBODY: LetterSubject = { campaignId: null, advertiserId: null, refundAmount: null };

/** Reads what the value of any record says, in either spelling; ids may be numbers or text and are never rounded. */
export function subjectOf(value: Buffer | null): LetterSubject {
  const text = value?.toString('utf8') ?? '';
  const json = objectIn(text);
  if (json === undefined) return NOBODY;
  const numbers = exactNumbers(text);
  const field = (...names: string[]): unknown => {
    const name = names.find((each) => Object.hasOwn(json, each) && json[each] !== null);
    if (name === undefined) return undefined;
    return typeof json[name] === 'number' ? numbers.get(name) : json[name];
  };
  const amount = readAmount(field('refundAmount', 'refund_amount'));
  return {
    campaignId: readId(field('campaignId', 'campaign_id')) ?? null,
    advertiserId: readId(field('advertiserId', 'advertiser_id')) ?? null,
    refundAmount: amount !== undefined && isAboveZero(amount) ? amount : null,
  };
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {
    // Poison need not be JSON.
  }
  return undefined;
}
