// What Dockerfile and compose.yaml say of the Worker is so. That they can be read is for `npm run check:deploy`.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FOREIGN_TOPICS } from '../../stack/topics.mjs';

interface Service {
  readonly image: string;
  readonly ports?: string[];
  readonly read_only?: boolean;
  readonly cap_drop?: string[];
  readonly stop_grace_period?: string;
  readonly volumes?: string[];
  readonly depends_on?: Record<string, object>;
}

const dockerfile = readFileSync('Dockerfile', 'utf8');
const { services } = parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as {
  services: Record<'kafka' | 'topics' | 'worker', Service>;
};

describe('the image', () => {
  it('starts the Worker as npm start does', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
    const [, command = ''] = /^CMD (.*)$/m.exec(dockerfile) ?? [];

    expect((JSON.parse(command) as string[]).join(' ')).toBe(scripts.start);
  });

  it('runs as the user of the manifests, below an init', () => {
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
    expect(readFileSync('deploy/kubernetes/base/deployment.yaml', 'utf8')).toMatch(/runAsUser: 1000\b/);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["tini", "--"\]$/m);
    // `command` of Kubernetes would replace the init.
    expect(readFileSync('deploy/kubernetes/base/migrate-job.yaml', 'utf8')).not.toMatch(/^ +command:/m);
  });
});

describe('compose.yaml', () => {
  it('is reached from this machine alone', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);

    expect(ports).toHaveLength(4);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('waits for nothing that is not there', () => {
    const awaited = Object.values(services).flatMap(({ depends_on: others = {} }) => Object.keys(others));

    expect(awaited).toContain('login');
    expect(awaited.filter((name) => !Object.hasOwn(services, name))).toEqual([]);
  });

  it('lets nothing of the image do more than the manifests do', () => {
    const ours = Object.values(services).filter(({ image }) => image === 'click-worker');

    expect(ours).toHaveLength(3);
    for (const service of ours) expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  it('gives the Worker the time that it needs to stop', () => {
    const [, stopWithinMs = ''] = /STOP_WITHIN_MS = (\d+_\d+)/.exec(readFileSync('src/main.ts', 'utf8')) ?? [];

    expect(parseInt(services.worker.stop_grace_period ?? '', 10)).toBeGreaterThan(
      Number(stopWithinMs.replace('_', '')) / 1_000 + 2,
    );
  });

  it('makes the topics of a stack', () => {
    expect(services.topics.volumes).toEqual(['./stack/topics.mjs:/app/topics.mjs:ro']);
    // What else a topic may have there, compose.yaml does not read.
    for (const topic of FOREIGN_TOPICS) expect(Object.keys(topic)).toEqual(['topic', 'partitions']);
  });
});
