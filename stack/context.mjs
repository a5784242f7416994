import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { usualPostgres } from './postgres-package.mjs';
import { STACK_MARKER } from './processes.mjs';
import { run, toStderr } from './progress.mjs';
import { FOREIGN_TOPICS } from './topics.mjs';
import { Watchdog } from './watchdog.mjs';

/**
 * What the parts of a stack know of it.
 *
 * @typedef {object} StackContext
 * @property {string} dataFolder
 * @property {Watchdog} watchdog
 * @property {NodeJS.ProcessEnv} environment for each process of the stack: it marks it as such
 * @property {typeof run} run runs a program in that environment
 * @property {(line: string) => void} log
 * @property {import('./stack.mjs').Topic[]} topics
 * @property {string} postgresLine its major version
 * @property {Record<string, string>} postgresSettings
 * @property {Record<string, string>} kafkaSettings
 * @property {string} [kafkaListener]
 * @property {string} [kafkaAdvertised]
 * @property {string[]} kafkaScram
 */

/** @param {import('./stack.mjs').StackOptions} options @returns {StackContext} */
export function openContext({
  topics = FOREIGN_TOPICS,
  log = toStderr,
  dataDir,
  postgres = usualPostgres(),
  postgresSettings = {},
  kafkaSettings = {},
  kafkaListener,
  kafkaAdvertised,
  kafkaScram = [],
}) {
  const dataFolder = makeDataFolder(dataDir);
  // LANGUAGE: what the system says of a taken port is read, and must not be translated.
  const environment = { ...process.env, LANGUAGE: 'en', [STACK_MARKER]: dataFolder };
  return {
    dataFolder,
    watchdog: new Watchdog(dataFolder),
    environment,
    run: (file, args, options) => run(file, args, { ...options, env: { ...environment, ...options?.env } }),
    log,
    topics,
    postgresLine: postgres,
    postgresSettings,
    kafkaSettings,
    kafkaListener,
    kafkaAdvertised,
    kafkaScram,
  };
}

/** @param {string | undefined} wished */
function makeDataFolder(wished) {
  if (wished) mkdirSync(wished, { recursive: true });
  if (wished && readdirSync(wished).length > 0)
    throw new Error(`${wished} is not empty: it would be removed at the end`);
  const folder = realpathSync(wished ?? mkdtempSync(join(tmpdir(), 'click-worker-')));
  chmodSync(folder, 0o711); // Postgres, which may run as another user, has its folder in it
  return folder;
}
