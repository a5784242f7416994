// What is the same for every stack and costly to get, kept in the cache: Kafka and Redis from Maven, a formatted Kafka
// log folder, an archive of Kafka's classes.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { arch, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { cacheFolder } from './places.mjs';
import { withProgress } from './progress.mjs';

const pom = fileURLToPath(new URL('pom.xml', import.meta.url));

/** A new pom gets a new folder, so that a checkout of an older state finds what it had. */
function artefactsFolder() {
  return join(cacheFolder(), `maven-${createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12)}`);
}

export const haveArtefacts = () => existsSync(artefactsFolder());

/**
 * Downloads what is missing.
 *
 * @param {import('./context.mjs').StackContext} stack
 * @returns {Promise<{ kafkaJars: string, redisServer: string }>}
 */
export async function fetchArtefacts({ log, run }) {
  const folder = artefactsFolder();
  if (!existsSync(folder)) {
    await once('maven', folder, log, async (into) => {
      const mvn = ['-q', '-B', '-f', pom, 'initialize', `-Dinto=${into}`];
      await withProgress('fetching Kafka and Redis with Maven', log, () => run('mvn', mvn));
    });
  }
  return { kafkaJars: join(folder, 'kafka'), redisServer: join(folder, 'redis', redisBinary()) };
}

/**
 * Makes `target` once for all processes, whole or not at all.
 *
 * @param {string} name
 * @param {string} target a path in the cache
 * @param {(line: string) => void} log
 * @param {(into: string) => Promise<void>} make fills the folder `into`, which becomes `target`
 */
export async function once(name, target, log, make) {
  const waits = (pid) => {
    if (pid !== process.pid) log(`waiting for process ${pid}, which makes the same first (${name})`);
  };
  await withLock(
    name,
    async () => {
      if (existsSync(target)) return; // the one waited for has made it
      removePartsOf(target);
      const into = mkdtempSync(`${target}.part-`);
      try {
        await make(into);
        renameSync(into, target);
      } finally {
        rmSync(into, { recursive: true, force: true });
      }
    },
    waits,
  );
}

/** What one that was killed had begun. @param {string} target */
function removePartsOf(target) {
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(`${basename(target)}.part-`)) rmSync(join(dirname(target), name), { recursive: true });
  }
}

function redisBinary() {
  const binaries = {
    'linux-x64': 'redis-server-6.2.6-v5-linux-amd64',
    'linux-arm64': 'redis-server-6.2.7-linux-arm64',
    'darwin-x64': 'redis-server-6.2.6-v5-darwin-amd64',
    'darwin-arm64': 'redis-server-6.2.6-v5-darwin-arm64',
  };
  return binaries[`${platform}-${arch}`] ?? `redis-server for ${platform}-${arch}`;
}
