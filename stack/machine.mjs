// What this machine can run the stack with.
import { spawnSync } from 'node:child_process';
import { haveArtefacts } from './artefacts.mjs';
import { withLock } from './lock.mjs';
import { onPath } from './places.mjs';
import { havePostgres, missingPostgres } from './postgres-package.mjs';
import { run, withProgress } from './progress.mjs';

const OLDEST_JAVA = 17; // Kafka 4's brokers
const DOCKER_ANSWER_MS = 10_000;

/**
 * Where the servers run: as processes of this machine, or where it lacks something in Docker's containers. A Debian of
 * which we are root gets what it lacks.
 *
 * @param {import('./context.mjs').StackContext} stack
 * @returns {Promise<'processes' | 'containers'>}
 * @throws Error that says in one line what to install
 */
export async function chooseMachine({ log, postgresLine }) {
  if (lacks(postgresLine).length === 0) return 'processes';
  if (dockerWorks()) return 'containers';
  if (havePostgres(postgresLine) && process.getuid?.() === 0 && onPath('apt-get'))
    await installWithApt(log, postgresLine);
  const lacking = lacks(postgresLine);
  if (lacking.length === 0) return 'processes';
  throw new Error(
    `this machine lacks ${lacking.join(' and ')}: install that, or start Docker (with its compose plugin)`,
  );
}

/** @param {string} postgresLine */
function lacks(postgresLine) {
  return [
    ...(javaVersion() >= OLDEST_JAVA ? [] : [`Java ${OLDEST_JAVA} or later on PATH`]),
    ...(haveArtefacts() || onPath('mvn') ? [] : ['Maven (mvn) on PATH']),
    ...(havePostgres(postgresLine) ? [] : [missingPostgres(postgresLine)]),
  ];
}

/** The major version; 0 where there is none. */
function javaVersion() {
  if (!onPath('java')) return 0;
  if (haveArtefacts()) return OLDEST_JAVA; // it has been looked at before: asking takes a JVM
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
}

function dockerWorks() {
  const answers = (...args) => spawnSync('docker', args, { stdio: 'ignore', timeout: DOCKER_ANSWER_MS }).status === 0;
  return onPath('docker') !== undefined && answers('compose', 'version') && answers('info');
}

/** Without the stack's mark: a package manager killed half-way leaves the whole machine to be repaired. */
async function installWithApt(log, postgresLine) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const packages = ['default-jre-headless', 'maven'];
  await withLock('apt', async () => {
    if (lacks(postgresLine).length === 0) return;
    await withProgress('updating the list of packages', log, () => run('apt-get', ['update'], { shown: true, env }));
    const install = ['install', '-y', '--no-install-recommends', ...packages];
    await withProgress(`installing ${packages.join(' and ')}`, log, () =>
      run('apt-get', install, { shown: true, env }),
    );
  });
}
