// The end of a stack: no process of it survives, and its data folder is gone.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { until } from './polling.mjs';
import { haltTree, isAlive, processesMarked, processTree, signalAll } from './processes.mjs';

const QUIT_MS = 3_000;
const DEATH_MS = 10_000;

/**
 * @typedef {object} Remains
 * @property {string} dataFolder
 * @property {Map<number, { quitSignal?: NodeJS.Signals }>} watched by pid; those with a signal get it and a moment first
 * @property {string[][]} lastCommands run when all else is done
 */

/** @param {Remains} remains */
export async function takeDown({ dataFolder, watched, lastCommands }) {
  for (const [pid, { quitSignal }] of watched) {
    if (!quitSignal) {
      haltTree(pid, 'SIGKILL');
      continue;
    }
    signalAll([pid], quitSignal);
    signalAll(processTree(pid), 'SIGCONT'); // it may be frozen
  }
  const quitting = [...watched].filter(([, { quitSignal }]) => quitSignal).map(([pid]) => pid);
  await until(() => !quitting.some(isAlive), { deadlineMs: QUIT_MS, waitingFor: 'quitting' }).catch(() => {});
  const killed = quitting.flatMap((pid) => haltTree(pid, 'SIGKILL'));

  await until(
    () => {
      const left = [...processesMarked(dataFolder), ...[...watched.keys(), ...killed].filter(isAlive)];
      signalAll(left, 'SIGKILL');
      return left.length === 0;
    },
    { deadlineMs: DEATH_MS, waitingFor: 'the end of all processes' },
  ).catch(() => {});

  for (const [program, ...args] of lastCommands) spawnSync(program, args, { stdio: 'ignore' });
  rmSync(dataFolder, { recursive: true, force: true, maxRetries: 5 });
}
