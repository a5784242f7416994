// One process at a time, over all processes of this user.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cacheFolder } from './places.mjs';
import { isAlive, startOf } from './processes.mjs';

const TOMBSTONE_DAYS = 1;

/**
 * Runs `work` while holding the lock `name`, which a process that died gives up.
 *
 * The lock is a folder with its owner's pid. It comes into being by renaming a folder that already holds the pid, so
 * that nobody ever sees a lock without an owner.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {(ownerPid: number) => void} onWait called once when another process holds it
 * @returns {Promise<T>}
 */
export async function withLock(name, work, onWait = () => {}) {
  const folder = join(cacheFolder(), 'locks');
  const lock = join(folder, name);
  const id = randomUUID();
  const mine = join(folder, `${name}.new-${id}`);
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, 'owner'), JSON.stringify({ id, pid: process.pid, startedAt: startOf(process.pid) }));
  clearTombstones(folder);

  let told = false;
  while (!tryRename(mine, lock)) {
    const owner = readOwner(lock);
    if (owner && !(isAlive(owner.pid) && startOf(owner.pid) === owner.startedAt)) {
      // Two that find the same dead owner: the second's rename fails on the first's tombstone, so it cannot carry off
      // the lock that the first has just made.
      tryRename(lock, join(folder, `${name}.dead-${owner.id}`));
      continue;
    }
    if (owner && !told) {
      onWait(owner.pid);
      told = true;
    }
    await pause(50);
  }

  try {
    return await work();
  } finally {
    // Renamed first: emptied in place, it could be taken over half-way and its new content be removed.
    renameSync(lock, mine);
    rmSync(mine, { recursive: true, force: true });
  }
}

function tryRename(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code)) return false;
    throw error;
  }
}

function readOwner(lock) {
  try {
    return JSON.parse(readFileSync(join(lock, 'owner'), 'utf8'));
  } catch {
    return undefined; // given up meanwhile
  }
}

function clearTombstones(folder) {
  for (const name of readdirSync(folder)) {
    if (!/\.(dead|new)-/.test(name)) continue;
    const path = join(folder, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > TOMBSTONE_DAYS * 86_400_000) rmSync(path, { recursive: true, force: true });
  }
}
