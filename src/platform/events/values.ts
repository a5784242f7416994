/**
 * A JSON number as it was written. `JSON.parse` rounds ids above 2^53 and amounts of more than 15 digits, so numbers that
 * matter come back from the text (`exact-numbers.ts`).
 */
export class ExactNumber {
  constructor(readonly text: string) {}
}

const MAX_ID = 2n ** 63n - 1n;
/** Below 10^14 with at most six places: what numeric(20,6) holds. */
const PLAIN_DECIMAL = /^(-?)0*(\d{1,14})(?:\.(\d{1,6})0*)?$/;
const JSON_NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?0*\d{1,3}))?$/;
/** Longer ones are refused unread: matching a megabyte of zeros takes long enough to hold up every other record. */
const MAX_DIGITS = 400;

/** An id: a positive whole number up to 2^63-1, as a JSON number or as a string of one. Undefined if it is neither. */
export function readId(raw: unknown): bigint | undefined {
  const text = raw instanceof ExactNumber ? plainText(raw.text)?.replace(/\.0+$/, '') : raw;
  if (typeof text !== 'string' || !/^\d{1,40}$/.test(text)) return undefined;
  const id = BigInt(text);
  return id > 0n && id <= MAX_ID ? id : undefined;
}

/** An id of any system as text; a whole number is the text of its digits. What it can be else is left to the field's check. */
export function readIdText(raw: unknown): unknown {
  if (!(raw instanceof ExactNumber)) return raw;
  const digits = plainText(raw.text);
  if (digits === undefined || !/^-?\d+$/.test(digits)) return undefined;
  return digits === '-0' ? '0' : digits;
}

/** Money: a plain decimal below 10^14 with at most six places, in its shortest form. Undefined if it is not that. */
export function readAmount(raw: unknown): string | undefined {
  const text = raw instanceof ExactNumber ? plainText(raw.text) : raw;
  if (typeof text !== 'string' || text.length > MAX_DIGITS) return undefined;
  const [, sign, whole, places = ''] = PLAIN_DECIMAL.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const fraction = places.replace(/0+$/, '');
  const amount = fraction === '' ? whole : `${whole}.${fraction}`;
  return sign === '-' && /[1-9]/.test(amount) ? `-${amount}` : amount;
}

/** Whether an amount of `readAmount` is above zero. */
export function isAboveZero(amount: string): boolean {
  return !amount.startsWith('-') && /[1-9]/.test(amount);
}

/** `yyyy-MM-dd`, then perhaps `T` or a blank, a time, and a zone; without a zone it is UTC (Flink SQL writes it so). */
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** A moment in milliseconds since the epoch: ISO 8601, `yyyy-MM-dd HH:mm:ss[.SSS]` (UTC) or epoch milliseconds. */
export function readTime(raw: unknown): number | undefined {
  if (raw instanceof ExactNumber) {
    const text = plainText(raw.text)?.replace(/\.\d*$/, '');
    if (text === undefined || text.startsWith('-')) return undefined;
    const time = Number(text);
    return time <= MAX_TIME ? time : undefined;
  }
  if (typeof raw !== 'string') return undefined;
  if (raw.length === ISO_LENGTH) {
    const usual = usualTime(raw);
    if (usual !== undefined) return usual;
  }
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    TIME.exec(raw) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // Date.UTC rolls 30 February over to March; such a day is no day.
  if (Number(year) < 1 || new Date(date).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const time = (Number(hour) * 60 + Number(minute)) * 60_000 + Number(second) * 1000;
  const offset = zoneMinutes(zone);
  return offset === undefined ? undefined : date + time + Number(fraction.padEnd(3, '0').slice(0, 3)) - offset * 60_000;
}

const DASH = '-'.charCodeAt(0);
const LETTER_T = 'T'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const POINT = '.'.charCodeAt(0);
const LETTER_Z = 'Z'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const ISO_LENGTH = '2026-01-31T23:59:59.999Z'.length;

/** Days that each month has every year. */
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A time as `toISOString` writes it, but on 29 February; digit by digit, a tenth of what an expression costs. */
function usualTime(text: string): number | undefined {
  const isPunctuated =
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === LETTER_T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON &&
    text.charCodeAt(19) === POINT &&
    text.charCodeAt(23) === LETTER_Z;
  if (!isPunctuated) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const [month, day, hour] = [twoDigits(text, 5), twoDigits(text, 8), twoDigits(text, 11)];
  const [minute, second] = [twoDigits(text, 14), twoDigits(text, 17)];
  const millis = twoDigits(text, 20) * 10 + digit(text, 22);
  // What is no digit is NaN, for which no comparison holds. Date.UTC takes years below 100 for those of the last century.
  const isDay = year >= 100 && day >= 1 && day <= (DAYS[month - 1] ?? 0);
  const isTime = hour <= 23 && minute <= 59 && second <= 59 && millis >= 0;
  return isDay && isTime ? Date.UTC(year, month - 1, day, hour, minute, second, millis) : undefined;
}

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - ZERO;
  return value >= 0 && value <= 9 ? value : NaN;
}

const twoDigits = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1);

function zoneMinutes(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const [, sign, hours, minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (Number(hours) > 18 || Number(minutes) > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** A JSON number without its exponent: `1.5E-3` (as Java writes a small double) is 0.0015, exactly. */
function plainText(number: string): string | undefined {
  if (number.length < 20 && /^\d+$/.test(number)) return number;
  const [, sign, whole, fraction = '', exponent = '0'] = JSON_NUMBER.exec(number) ?? [];
  if (whole === undefined || whole.length + fraction.length > MAX_DIGITS) return undefined;
  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const [before, after] = [padded.slice(0, at), padded.slice(at).replace(/0+$/, '')];
  return `${sign ?? ''}${before.replace(/^0+(?=\d)/, '')}${after === '' ? '' : `.${after}`}`;
}
