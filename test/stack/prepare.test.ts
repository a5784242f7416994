import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { node, START_MS, useRunners } from '../support/runner.js';

const { runner, ownFolder } = useRunners();

describe('stack/prepare', () => {
  it('installs and builds once, however many ask for it, and takes over from one that died', async () => {
    const project = ownFolder();
    cpSync('stack', join(project, 'stack'), { recursive: true });
    mkdirSync(join(project, 'dependency'));
    mkdirSync(join(project, 'src'));
    writeFileSync(join(project, 'dependency', 'package.json'), '{ "name": "dependency", "version": "1.0.0" }');
    const build = `node -e "const fs = require('fs'); fs.mkdirSync('dist', { recursive: true }); fs.appendFileSync('builds', 'x')"`;
    const manifest = { name: 'scratch', scripts: { build }, dependencies: { dependency: 'file:./dependency' } };
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
    spawnSync('npm', ['install', '--package-lock-only', '--offline'], { cwd: project });
    const prepareIt = () => runner([node, 'stack/prepare.mjs'], { cwd: project });

    const died = prepareIt();
    await eventually('it has begun', START_MS, () => existsSync(join(project, 'node_modules')));
    died.child.kill('SIGKILL');
    const statuses = await Promise.all([prepareIt(), prepareIt(), prepareIt()].map((run) => run.status));

    expect(statuses).toEqual([0, 0, 0]);
    expect(readFileSync(join(project, 'builds'), 'utf8')).toBe('x');
  });
});
