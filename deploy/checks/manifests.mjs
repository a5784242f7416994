import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from '../../stack/artefacts.mjs';
import { cacheFolder, onPath, projectFolder } from '../../stack/places.mjs';
import { run, withProgress } from '../../stack/progress.mjs';
import { Unavailable } from './unavailable.mjs';

/** The oldest and the newest that the manifests are for; the package of that version has the schemas of all since 1.25. */
const KUBERNETES = ['1.30', '1.37'];
const VALIDATOR = 'kubernetes-validate==1.37.0';
/** Needs no newer Go than the Debian of today has. */
const KUSTOMIZE = 'sigs.k8s.io/kustomize/kustomize/v5@v5.7.1';
/** Somebody else's kinds, whose schemas the validator does not have. */
const UNKNOWN_KINDS = ['ScaledObject', 'PodMonitor'];

/**
 * Builds each kustomization and holds what comes out against the schemas of Kubernetes.
 *
 * @param {string[]} kustomizations @param {(line: string) => void} log
 */
export async function checkManifests(kustomizations, log) {
  const build = await getKustomize(log);
  const validate = await getValidator(log);
  const folder = mkdtempSync(join(tmpdir(), 'click-worker-manifests-'));
  try {
    for (const name of kustomizations) {
      const file = join(folder, `${name.replaceAll('/', '-')}.yaml`);
      writeFileSync(file, await build(join(projectFolder, 'deploy', 'kubernetes', name)));
      for (const version of KUBERNETES) await validate(file, version);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return `${kustomizations.join(', ')} for Kubernetes ${KUBERNETES.join(' and ')}`;
}

async function getKustomize(log) {
  const [kustomize, kubectl, go] = ['kustomize', 'kubectl', 'go'].map(onPath);
  if (kustomize) return (folder) => run(kustomize, ['build', folder]);
  if (kubectl) return (folder) => run(kubectl, ['kustomize', folder]);
  if (!go) throw new Unavailable('there is neither kustomize nor kubectl on PATH, nor Go to build one with');
  const bin = join(cacheFolder(), KUSTOMIZE.replaceAll('/', '-'));
  const install = (into) => run(go, ['install', KUSTOMIZE], { env: { ...process.env, GOBIN: into } });
  if (!existsSync(bin)) {
    await once('kustomize', bin, log, (into) => withProgress('building kustomize', log, () => install(into))).catch(
      (error) => {
        throw new Unavailable(
          `there is neither kustomize nor kubectl on PATH, and Go cannot build it: ${error.message}`,
        );
      },
    );
  }
  return (folder) => run(join(bin, 'kustomize'), ['build', folder]);
}

async function getValidator(log) {
  const python = onPath('python3');
  if (!python) throw new Unavailable('there is no python3 on PATH');
  // Its native parts fit one Python alone.
  const version = spawnSync(python, ['-c', 'import sys; print(sys.implementation.cache_tag)'], { encoding: 'utf8' });
  const packages = join(cacheFolder(), `${VALIDATOR}-${version.stdout.trim()}`);
  const install = (into) => run(python, ['-m', 'pip', 'install', '--quiet', '--target', into, VALIDATOR]);
  if (!existsSync(packages)) {
    await once('validator', packages, log, (into) =>
      withProgress(`installing ${VALIDATOR}`, log, () => install(into)),
    ).catch((error) => {
      throw new Unavailable(`${VALIDATOR} cannot be had: ${error.message}`);
    });
  }
  return async (file, version) => {
    const args = ['-m', 'kubernetes_validate', '--quiet', '--strict', '-k', version, file];
    const said = await run(python, args, { env: { ...process.env, PYTHONPATH: packages } });
    const unknown = [...said.matchAll(/schema for kind (\w+)/g)].map(([, kind]) => kind);
    const strangers = unknown.filter((kind) => !UNKNOWN_KINDS.includes(kind));
    if (strangers.length > 0) throw new Error(`no schema for ${strangers.join(', ')} in Kubernetes ${version}`);
  };
}
