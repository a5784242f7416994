// Takes a stack down when its owner has closed the pipe on standard input, or died, which closes it too.
//
// It is a process of its own, in a session of its own, because nothing else is left to clean up after a SIGKILL.
import { createInterface } from 'node:readline';
import { takeDown } from './take-down.mjs';

const [dataFolder] = process.argv.slice(2);
/** @type {Map<number, { quitSignal?: NodeJS.Signals }>} */
const watched = new Map();
/** @type {string[][]} */
const lastCommands = [];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line);
    if (message.watch) watched.set(message.watch, message);
    if (message.forget) watched.delete(message.forget);
    if (message.finally) lastCommands.push(message.finally);
  })
  .on('close', () => {
    void takeDown({ dataFolder, watched, lastCommands }).finally(() => process.exit());
  });
