import { spawnSync } from 'node:child_process';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly args: string;
}

/** Zombies are over: only their parent has not looked yet. */
export function listProcesses(): RunningProcess[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state = '', args = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined || state.startsWith('Z')
      ? []
      : [{ pid: Number(pid), parent: Number(parent), state, args }];
  });
}

/** The process itself first. */
export function descendantsOf(root: number): number[] {
  const all = listProcesses();
  const found = [root];
  for (const parent of found) found.push(...all.filter((one) => one.parent === parent).map((one) => one.pid));
  return found;
}

/** As `ps` says them, of the process and all that descends from it. */
export function statesOf(root: number | undefined): string[] {
  const tree = descendantsOf(root ?? -1);
  return listProcesses()
    .filter(({ pid }) => tree.includes(pid))
    .map(({ state }) => state);
}
