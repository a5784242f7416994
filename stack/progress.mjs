import { spawn } from 'node:child_process';

const FIRST_MS = 1_000;
const AGAIN_MS = 5_000;

/** @param {string} line */
export function toStderr(line) {
  process.stderr.write(`stack: ${line}\n`);
}

/**
 * Says what takes so long, once it takes longer than a second.
 *
 * @template T
 * @param {string} what
 * @param {(line: string) => void} log
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withProgress(what, log, work) {
  const begin = Date.now();
  const seconds = () => Math.round((Date.now() - begin) / 1000);
  let timer = setTimeout(say, FIRST_MS);
  function say() {
    log(`${what} … ${seconds()} s`);
    timer = setTimeout(say, AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs a program to its end.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & { shown?: boolean }} [options] `shown`: its output goes to stderr;
 *   else it is kept for the error
 * @returns {Promise<string>} its output, where not shown
 * @throws Error with the end of that output when the status is not 0
 */
export function run(file, args, { shown = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = shown ? ['ignore', 2, 2] : ['ignore', 'pipe', 'pipe'];
    const child = spawn(file, args, { stdio, ...options });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(output);
      const lastWords = output.trim().split('\n').slice(-5).join(' | ');
      reject(new Error(`${file} ${args[0]} ended with ${signal ?? code}${lastWords && `: ${lastWords}`}`));
    });
  });
}
