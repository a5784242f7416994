// What a person sees: the story on standard output, waiting on standard error.
import { styleText } from 'node:util';
import { withProgress } from '../stack/progress.mjs';

const INDENT = '   ';
const WIDTH = 110;
let chapters = 0;

/** @param {string} line */
export function headline(line) {
  process.stdout.write(`\n${process.stdout.isTTY ? styleText('bold', line) : line}\n`);
}

/** @param {string} title */
export const chapter = (title) => headline(`${++chapters}  ${title}`);

/** @param {string} line */
export function say(line = '') {
  process.stdout.write(line ? `${INDENT}${line}\n` : '\n');
}

/** @param {string} line */
export function complain(line) {
  process.stderr.write(`demo: ${line}\n`);
}

/**
 * Says on standard error what takes longer than a second.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export const patiently = (what, work) => withProgress(what, complain, work);

/**
 * Columns as wide as their widest cell; those that hold numbers alone are aligned at the right.
 *
 * @param {string[]} titles @param {string[][]} rows
 */
export function table(titles, rows) {
  const columns = titles.map((title, at) => {
    const cells = rows.map((row) => row[at]);
    return {
      width: Math.max(title.length, ...cells.map((cell) => cell.length)),
      isNumeric: cells.every((cell) => /^-?[\d,.]*$/.test(cell)),
    };
  });
  for (const row of titles.some(Boolean) ? [titles, ...rows] : rows) {
    const cells = row.map((cell, at) => {
      return columns[at].isNumeric ? cell.padStart(columns[at].width) : cell.padEnd(columns[at].width);
    });
    say(shortened(cells.join('  ').trimEnd()));
  }
}

/** @param {number} value */
export const count = (value) => value.toLocaleString('en-US');

/** @param {string} text */
function shortened(text) {
  const width = Math.min(WIDTH, (process.stdout.columns ?? Infinity) - INDENT.length);
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
