import { ExactNumber } from './values.js';

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON = 58;

/**
 * The numbers that stand directly in a JSON object, as they were written, by field name. `text` must be valid JSON for an
 * object (`JSON.parse` has said so), which is why this only has to find its way, not to check.
 */
export function exactNumbers(text: string): Map<string, ExactNumber> {
  const numbers = new Map<string, ExactNumber>();
  let at = text.indexOf('{') + 1;
  while (at < text.length) {
    const nameStart = text.indexOf('"', at);
    if (nameStart === -1) break;
    const nameEnd = endOfString(text, nameStart);
    const valueStart = text.indexOf(':', nameEnd) + 1;
    const valueEnd = endOfValue(text, valueStart);
    const value = text.slice(valueStart, valueEnd).trim();
    // As in JSON.parse the last of several fields with one name counts, whatever its kind.
    const name = nameOf(text.slice(nameStart, nameEnd));
    if (/^[-\d]/.test(value)) numbers.set(name, new ExactNumber(value));
    else numbers.delete(name);
    at = valueEnd + 1;
  }
  return numbers;
}

function nameOf(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
}

/** Just past the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
  return text.length;
}

/** The comma or closing brace that ends the value that starts at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at) - 1;
    else if (char === 0x7b || char === 0x5b) depth++;
    else if (char === 0x7d || char === 0x5d) {
      if (depth === 0) return at;
      depth--;
    } else if (char === COMMA && depth === 0) return at;
    else if (char === COLON && depth === 0) return at;
  }
  return text.length;
}
