import { ValidateBy } from 'class-validator';
import { isAboveZero, readAmount, readId, readIdText, readTime } from './values.js';

/** The longest text of a field; a longer one counts as broken. */
const MAX_TEXT = 200;

/** Turns what stands in the record into the field's value; undefined where it cannot. */
export type FieldReader = (raw: unknown) => unknown;

/** By the decorator's name in class-validator's metadata, so that the decorators stay the only source. */
export const FIELD_READERS: ReadonlyMap<string, FieldReader> = new Map<string, FieldReader>([
  ['isId', readId],
  ['isAmount', readAmount],
  ['isTime', readTime],
  ['isIdText', readIdText],
]);

/** Decorators whose field makes the whole event invalid when it is broken, even where it is optional. */
export const NEVER_DROPPED: ReadonlySet<string> = new Set(['isIdText']);

/** A positive whole number up to 2^63-1, as a JSON number or as a string of one; a `bigint` field. */
export const IsId = (): PropertyDecorator =>
  ValidateBy({
    name: 'isId',
    validator: {
      validate: (value) => typeof value === 'bigint',
      defaultMessage: () => 'must be a positive whole number up to 9223372036854775807',
    },
  });

/** Money: a plain decimal below 10^14 with at most six places; a `string` field. */
export const IsAmount = (options: { above?: '0' } = {}): PropertyDecorator =>
  ValidateBy({
    name: 'isAmount',
    validator: {
      validate: (value) =>
        typeof value === 'string' &&
        readAmount(value) !== undefined &&
        (options.above === undefined || isAboveZero(value)),
      defaultMessage: (args) =>
        typeof args?.value === 'string' && readAmount(args.value) !== undefined
          ? 'must be above zero'
          : 'must be a plain decimal below 10^14 with at most six decimal places',
    },
  });

/** ISO 8601, `yyyy-MM-dd HH:mm:ss[.SSS]` (UTC) or epoch milliseconds; a `number` field, in milliseconds since the epoch. */
export const IsTime = (): PropertyDecorator =>
  ValidateBy({
    name: 'isTime',
    validator: {
      validate: (value) => typeof value === 'number',
      defaultMessage: () => 'must be an ISO 8601 time, yyyy-MM-dd HH:mm:ss (UTC) or epoch milliseconds',
    },
  });

/** Text of 1 to 200 characters without NUL, which Postgres cannot store; a `string` field. */
export const IsText = (): PropertyDecorator =>
  ValidateBy({
    name: 'isText',
    validator: {
      validate: isStorableText,
      defaultMessage: () => `must be a text of 1 to ${MAX_TEXT} characters`,
    },
  });

/**
 * An id that another system gives out: a text as `IsText` takes it, or a whole number, which is the same id as the text of its
 * digits; a `string` field. A broken one is refused even where the field is optional: dropped, it would let happen again what
 * the id is there to have happen once.
 */
export const IsIdText = (): PropertyDecorator =>
  ValidateBy({
    name: 'isIdText',
    validator: {
      validate: isStorableText,
      defaultMessage: () => `must be a text of 1 to ${MAX_TEXT} characters or a whole number`,
    },
  });

function isStorableText(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && isShort(value) && !value.includes('\0') && value.isWellFormed();
}

/** Characters, not UTF-16 units: an emoji is one. */
function isShort(text: string): boolean {
  return text.length <= MAX_TEXT || (text.length <= 2 * MAX_TEXT && Array.from(text).length <= MAX_TEXT);
}

const ONLY = new WeakMap<object, { field: string; value: string }>();

/** The class reads only records whose `field` is `value`; a record with another value is skipped before it costs anything. */
export const OnlyWhere =
  (field: string, value: string): ClassDecorator =>
  (target) => {
    ONLY.set(target, { field, value });
  };

export const onlyWhere = (type: object): { field: string; value: string } | undefined => ONLY.get(type);
