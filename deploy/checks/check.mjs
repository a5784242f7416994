// `npm run check:deploy`: what of deploy/, Dockerfile and compose.yaml only their own tools can check. The rest is in test/deploy.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../stack/places.mjs';
import { checkCompose, checkDockerfile } from './containers.mjs';
import { checkManifests } from './manifests.mjs';
import { checkRules } from './rules.mjs';
import { Unavailable } from './unavailable.mjs';

const log = (line) => process.stderr.write(`${line}\n`);
const filesOf = (folder) =>
  readdirSync(join(projectFolder, 'deploy', folder)).map((name) => join(projectFolder, 'deploy', folder, name));

const checks = [
  [
    'alert rules and queries',
    () => checkRules(filesOf('prometheus/rules'), filesOf('prometheus/tests'), filesOf('grafana'), log),
  ],
  ['manifests', () => checkManifests(['base', 'overlays/example'], log)],
  ['Dockerfile', () => checkDockerfile(log)],
  ['compose', () => checkCompose(log)],
];
for (const [what, check] of checks) {
  try {
    log(`${what}: ${await check()}`);
  } catch (error) {
    // A machine may lack a tool; the one that decides what lands may not.
    const passes = error instanceof Unavailable && !process.env.CI;
    log(`${what}: ${error instanceof Unavailable ? 'NOT CHECKED: ' : ''}${error.message}`);
    if (!passes) process.exitCode = 1;
  }
}
