import { getMetadataStorage, IS_OPTIONAL, ValidationTypes, type ValidatorConstraintInterface } from 'class-validator';
import { PoisonError } from '../failure.js';
import { exactNumbers } from './exact-numbers.js';
import { FIELD_READERS, NEVER_DROPPED, onlyWhere, type FieldReader } from './event-fields.js';
import type { ExactNumber } from './values.js';

export type EventClass<E extends object = object> = new () => E;

/** The record is none of the class's: see `OnlyWhere`. */
export const SKIPPED = Symbol('skipped');

interface Check {
  readonly constraint: ValidatorConstraintInterface;
  readonly constraints: unknown[];
  readonly message: unknown;
}

interface Field {
  readonly name: string;
  readonly snakeName: string;
  readonly optional: boolean;
  /** When it is there but broken: refused, though it need not be there. */
  readonly neverDropped: boolean;
  readonly read: FieldReader | undefined;
  readonly checks: readonly Check[];
}

/** Reads the value of a record into an event; throws `PoisonError` `INVALID_JSON` or `INVALID_EVENT`. */
export type EventReader<E> = (value: Buffer) => E | typeof SKIPPED;

/**
 * Compiles a tolerant reader from the decorators of `type`: fields it does not know are ignored, names come in camelCase
 * or snake_case, a broken optional field is dropped (but for `NEVER_DROPPED`). class-validator's own `validateSync` would do the same checks at a
 * tenth of the speed.
 */
export function compileReader<E extends object>(type: EventClass<E>): EventReader<E> {
  const fields = fieldsOf(type);
  const only = onlyWhere(type);
  const onlySnake = only && snakeCase(only.field);
  const isPlainlyAnother = only === undefined ? () => false : plainlyAnother(only.field, only.value);

  return (value) => {
    if (isPlainlyAnother(value)) return SKIPPED;
    const { text, json } = parseObject(value);
    if (only !== undefined && onlySnake !== undefined) {
      const found = ownField(json, only.field) ?? ownField(json, onlySnake);
      if (found === undefined || found === null) throw new PoisonError('INVALID_EVENT', `${only.field}: is missing`);
      if (found !== only.value) return SKIPPED;
    }
    const event = new type() as Record<string, unknown>;
    let numbers: Map<string, ExactNumber> | undefined;
    for (const field of fields) {
      let key = field.name;
      let raw = ownField(json, key);
      if (raw === undefined || raw === null) raw = ownField(json, (key = field.snakeName));
      if (raw === undefined || raw === null) {
        if (field.optional) continue;
        throw new PoisonError('INVALID_EVENT', `${field.name}: is missing`);
      }
      let read: unknown = raw;
      if (field.read !== undefined) {
        if (typeof raw === 'number') read = (numbers ??= exactNumbers(text)).get(key);
        read = field.read(read);
      }
      const failed = failedCheck(field, read, event);
      if (failed === undefined) event[field.name] = read;
      else if (!field.optional || field.neverDropped)
        throw new PoisonError('INVALID_EVENT', `${field.name} ${shown(raw)}: ${failed}`);
    }
    return event as E;
  };
}

const QUOTE = '"'.charCodeAt(0);
const BLANK = ' '.charCodeAt(0);

/**
 * Whether the bytes alone show that a record is none of those whose `field` is `value`: the field is there with a text, the value
 * stands nowhere, and no backslash could hide it. Reading most of a topic as JSON to skip it would cost as much as a click's reading.
 */
function plainlyAnother(field: string, value: string): (bytes: Buffer) => boolean {
  // A name or a value that JSON may only write escaped is left to the parser, as is one in other than one byte a character.
  if (!/^[\w -]+$/.test(field + value)) return () => false;
  const names = [field, snakeCase(field)].map((name) => Buffer.from(`"${name}":`));
  return (bytes) => {
    if (bytes.includes(value) || bytes.includes('\\') || !bytes.includes('}')) return false;
    return names.some((name) => {
      const at = bytes.indexOf(name);
      if (at < 0) return false;
      const after = at + name.length;
      return bytes[after] === QUOTE || (bytes[after] === BLANK && bytes[after + 1] === QUOTE);
    });
  };
}

/** Reads a record into plain JSON, for a handler without an event class. */
export function readPlain(value: Buffer): Record<string, unknown> {
  return parseObject(value).json;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseObject(value: Buffer): { text: string; json: Record<string, unknown> } {
  if (value.length === 0) throw new PoisonError('INVALID_JSON', 'the value is empty');
  let text: string;
  let json: unknown;
  try {
    text = utf8.decode(value);
    json = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof TypeError ? 'not UTF-8' : (error as Error).message;
    throw new PoisonError('INVALID_JSON', `the value is no JSON: ${reason.replaceAll('\0', '').slice(0, 200)}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new PoisonError('INVALID_EVENT', `the value is ${kindOf(json)}: must be a JSON object`);
  }
  return { text, json: json as Record<string, unknown> };
}

/** `__proto__` and friends are plain data: only what the record itself holds counts. */
function ownField(json: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

function failedCheck(field: Field, value: unknown, object: object): string | undefined {
  for (const { constraint, constraints, message } of field.checks) {
    const args = { value, constraints, targetName: '', object, property: field.name };
    if (constraint.validate(value, args) === true) continue;
    if (typeof message === 'string') return message;
    return constraint.defaultMessage?.(args).replace(/^(\$property|each value in \$property) /, '') ?? 'is not valid';
  }
  return undefined;
}

/** A field while its decorators are being gathered. */
interface FoundField {
  optional: boolean;
  neverDropped: boolean;
  read: FieldReader | undefined;
  checks: Check[];
}

function fieldsOf(type: EventClass): Field[] {
  const storage = getMetadataStorage();
  const byName = new Map<string, FoundField>();
  for (const rule of storage.getTargetValidationMetadatas(type, '', false, false)) {
    const field = byName.get(rule.propertyName) ?? {
      optional: false,
      neverDropped: false,
      read: undefined,
      checks: [],
    };
    byName.set(rule.propertyName, field);
    if (rule.type === ValidationTypes.CONDITIONAL_VALIDATION && rule.name === IS_OPTIONAL) {
      field.optional = true;
    } else if (rule.type === ValidationTypes.CUSTOM_VALIDATION && !rule.each) {
      for (const found of storage.getTargetValidatorConstraints(rule.constraintCls)) {
        if (found.async) throw new Error(`${type.name}.${rule.propertyName}: events have no asynchronous checks`);
        const constraints = (rule.constraints as unknown[] | undefined) ?? [];
        field.checks.push({ constraint: found.instance, constraints, message: rule.message });
        field.read ??= FIELD_READERS.get(found.name);
        field.neverDropped ||= NEVER_DROPPED.has(found.name);
      }
    } else {
      throw new Error(
        `${type.name}.${rule.propertyName}: events have flat fields, ${rule.name ?? rule.type} is not supported`,
      );
    }
  }
  return [...byName].map(([name, field]) => ({ name, snakeName: snakeCase(name), ...field }));
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function kindOf(json: unknown): string {
  if (json === null) return 'null';
  if (typeof json === 'object') return Array.isArray(json) ? 'an array' : 'an object';
  return `a ${typeof json}`;
}

/** The value in an error message: as JSON, shortened. What is nested is only named: too deep, it ends JSON.stringify. */
function shown(raw: unknown): string {
  if (typeof raw === 'object') return `(${kindOf(raw)})`;
  const text = JSON.stringify(raw);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
