import { readdirSync, readFileSync } from 'node:fs';

const TICKS_A_SECOND = 100;

/**
 * The CPU time in seconds that a server has used with all its children, those that have ended too; NaN where the system does not
 * tell (anything but Linux).
 *
 * @param {number | undefined} pid
 */
export function cpuSecondsOf(pid) {
  try {
    const family = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap(statOf);
    const own = family.filter((process) => process.pid === pid || process.parent === pid);
    if (!own.some((process) => process.pid === pid)) return NaN;
    return own.reduce((sum, { ticks, ended }) => sum + ticks + ended, 0) / TICKS_A_SECOND;
  } catch {
    return NaN;
  }
}

function statOf(name) {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((place) => fields[place]);
    return [{ pid: Number(name), parent, ticks: user + system, ended: endedUser + endedSystem }];
  } catch {
    return []; // it has ended meanwhile
  }
}
