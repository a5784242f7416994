// Questions about processes that Node does not answer: who is alive, who descends from whom, who belongs to a stack.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Set to the stack's data folder, or a path below it, in the environment of every process that must not outlive it. */
export const STACK_MARKER = 'CLICK_WORKER_STACK';

const hasProc = process.platform === 'linux';

/**
 * Every process with its parent. A zombie is not listed: it does nothing any more, but where nobody reaps orphans
 * (containers without an init) it stays for ever.
 *
 * @returns {{ pid: number, parent: number, startedAt: string }[]}
 */
function listProcesses() {
  if (!hasProc) {
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart='], { encoding: 'utf8' });
    return stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([pid, , state]) => pid && !state?.startsWith('Z'))
      .map(([pid, parent, , ...started]) => ({
        pid: Number(pid),
        parent: Number(parent),
        startedAt: started.join(' '),
      }));
  }
  return pidsOfProc().flatMap((pid) => readStat(pid) ?? []);
}

function pidsOfProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** @param {number} pid */
function readStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in brackets, may hold blanks and brackets itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X'
      ? undefined
      : { pid, parent: Number(fields[1]), startedAt: fields[19] };
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** Whether the process does anything yet. @param {number} pid */
export function isAlive(pid) {
  if (hasProc) return readStat(pid) !== undefined;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Tells a process from a later one with the same pid. @param {number} pid */
export function startOf(pid) {
  return hasProc ? readStat(pid)?.startedAt : listProcesses().find((one) => one.pid === pid)?.startedAt;
}

/** The process and all that descend from it, parents first; empty when it is gone. @param {number} root */
export function processTree(root) {
  if (!isAlive(root)) return [];
  const all = listProcesses();
  const tree = [root];
  for (const parent of tree) {
    for (const one of all) if (one.parent === parent && !tree.includes(one.pid)) tree.push(one.pid);
  }
  return tree;
}

/**
 * Processes that were started with the marker, however far they have come from their parents since: but for Postgres's
 * children, which write their titles over it. Only where /proc tells; elsewhere known pids must do.
 *
 * @param {string} mark the stack's data folder or a path below it
 */
export function processesMarked(mark) {
  if (!hasProc) return [];
  return pidsOfProc().filter((pid) => {
    if (pid === process.pid || readStat(pid) === undefined) return false;
    try {
      const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}\0`;
      const entry = `\0${STACK_MARKER}=${mark}`;
      return environment.includes(`${entry}\0`) || environment.includes(`${entry}/`);
    } catch {
      return false; // it ended meanwhile, or is somebody else's
    }
  });
}

/** Sends the signal to each that is still there. @param {number[]} pids @param {NodeJS.Signals} signal */
export function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

/**
 * Stops a process tree for good or for a while. The root is halted first: a server that forks while it is being looked
 * at would leave a child behind.
 *
 * @param {number} root
 * @param {'SIGKILL' | 'SIGSTOP'} signal
 * @returns the pids that got it
 */
export function haltTree(root, signal) {
  signalAll([root], 'SIGSTOP');
  const tree = processTree(root);
  signalAll(tree, signal);
  return tree;
}
