// Half of Kafka's start goes into loading classes. A class data archive, which the JVM writes at the end of a rehearsal,
// halves it: measured 3.0 s and 5 s of processor time without, 1.5 s and 2.5 s with.
import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { once } from './artefacts.mjs';
import { onPath } from './places.mjs';
import { withProgress } from './progress.mjs';

const FILE = 'kafka.jsa';

/**
 * The JVM's flag to use the archive, which is made first where there is none for this Java; undefined where none can be made.
 *
 * @param {string} kafkaJars
 * @param {import('./context.mjs').StackContext} stack
 * @param {(flag: string) => Promise<void>} rehearse starts and stops Kafka with the flag that writes the archive
 */
export async function classArchive(kafkaJars, { log }, rehearse) {
  const folder = join(kafkaJars, '..', `classes-${thisJava()}`);
  if (!existsSync(folder)) {
    await once('kafka-classes', folder, log, async (into) => {
      await withProgress('preparing quick starts of Kafka', log, () =>
        rehearse(`-XX:ArchiveClassesAtExit=${join(into, FILE)}`),
      );
    });
  }
  // Another kind of JVM may have written none, and goes without.
  return existsSync(join(folder, FILE)) ? `-XX:SharedArchiveFile=${join(folder, FILE)}` : undefined;
}

/** An archive fits the very Java that wrote it. */
function thisJava() {
  const java = realpathSync(onPath('java'));
  return createHash('sha256')
    .update(`${java} ${statSync(java).mtimeMs}`)
    .digest('hex')
    .slice(0, 12);
}
