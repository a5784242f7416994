// What the manifests say of the Worker is so. That they are manifests is for `npm run check:deploy`.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { VARIABLES, type Variable } from '../../src/config/variables.js';

const kubernetes = new URL('../../deploy/kubernetes/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, kubernetes), 'utf8');

interface Kustomization {
  readonly resources?: string[];
  readonly configMapGenerator?: { envs?: string[] }[];
}
interface Pod {
  readonly terminationGracePeriodSeconds?: number;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: object;
  readonly containers: [Container];
}
interface Container {
  readonly ports: { containerPort: number }[];
  readonly securityContext: object;
}

const podOf = (path: string): Pod => (parse(read(path)) as { spec: { template: { spec: Pod } } }).spec.template.spec;
const settings = Object.fromEntries(
  [...read('base/click-worker.env').matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value]) => [name, value]),
);

describe('the manifests', () => {
  it('are all named by a kustomization, but for the example of secrets', () => {
    const paths = readdirSync(kubernetes, { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path));
    const isKustomization = (path: string): boolean => path.endsWith('kustomization.yaml');
    const named = paths.filter(isKustomization).flatMap((path) => {
      const { resources = [], configMapGenerator = [] } = parse(read(path)) as Kustomization;
      const files = [
        ...resources.filter((each) => each.endsWith('.yaml')),
        ...configMapGenerator.flatMap(({ envs = [] }) => envs),
      ];
      return files.map((file) => path.replace('kustomization.yaml', file));
    });

    expect(paths.filter((path) => !isKustomization(path)).toSorted()).toEqual(
      [...named, 'secret.example.yaml'].toSorted(),
    );
  });

  it('set every variable once, and as a secret where it is one', () => {
    const secrets = parseAllDocuments(read('secret.example.yaml')).map(
      (document) => document.toJS() as { stringData: Record<string, string> },
    );
    const secret = secrets.flatMap(({ stringData }) => Object.keys(stringData));

    expect([...Object.keys(settings), ...secret].toSorted()).toEqual(Object.keys(VARIABLES).toSorted());
    const secretOnes = Object.entries<Variable<unknown>>(VARIABLES).filter(([, variable]) => variable.secret);
    expect(secret).toEqual(expect.arrayContaining(secretOnes.map(([name]) => name)));
    // The owner's login is for the migration alone.
    expect(Object.keys(secrets[0]?.stringData ?? {})).not.toContain('MIGRATION_DATABASE_URL');
  });

  it('give the Worker the time that it needs to stop', () => {
    const [, stopWithinMs] = /STOP_WITHIN_MS = (\d+_\d+)/.exec(readFileSync('src/stop-signals.ts', 'utf8')) ?? [];

    expect(podOf('base/deployment.yaml').terminationGracePeriodSeconds).toBeGreaterThan(
      Number(stopWithinMs?.replace('_', '')) / 1_000 + 2,
    );
  });

  it('ask the port that it listens on', () => {
    expect(podOf('base/deployment.yaml').containers[0].ports.map(({ containerPort }) => String(containerPort))).toEqual(
      [settings['PORT']],
    );
  });

  it.each(['base/deployment.yaml', 'base/migrate-job.yaml'])('let nobody do more in %s than is needed', (path) => {
    const pod = podOf(path);

    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.containers).toHaveLength(1);
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('scale by the lag of the group that charges clicks', () => {
    const { spec } = parse(read('components/keda/scaled-object.yaml')) as {
      spec: { triggers: [{ metadata: { topic: string; consumerGroup: string } }] };
    };
    const { topic, consumerGroup } = spec.triggers[0].metadata;

    expect(readFileSync('src/click-balance/click-balance.controller.ts', 'utf8')).toContain(
      `@EventPattern('${topic}', { group: '${consumerGroup}',`,
    );
  });
});
