import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { descendantsOf } from '../support/processes.js';
import { node, START_MS, useRunners } from '../support/runner.js';

const { runner, ownFolder } = useRunners();

describe('stack/prepare', () => {
  it('installs and builds once, however many ask for it, and takes over from one that died', async () => {
    const project = ownFolder();
    cpSync('stack', join(project, 'stack'), { recursive: true });
    mkdirSync(join(project, 'dependency'));
    mkdirSync(join(project, 'src'));
    writeFileSync(join(project, 'dependency', 'package.json'), '{ "name": "dependency", "version": "1.0.0" }');
    const hold = join(project, 'hold');
    // As long as it is held, a build says that it has begun and goes no further.
    writeFileSync(
      join(project, 'build.cjs'),
      `const fs = require('fs');
       fs.writeFileSync('begun', '');
       const timer = setInterval(() => {
         if (fs.existsSync('hold')) return;
         clearInterval(timer);
         fs.mkdirSync('dist', { recursive: true });
         fs.appendFileSync('builds', 'x');
       }, 10);`,
    );
    const build = 'node build.cjs';
    const manifest = { name: 'scratch', scripts: { build }, dependencies: { dependency: 'file:./dependency' } };
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
    spawnSync('npm', ['install', '--package-lock-only', '--offline'], { cwd: project });
    const prepareIt = () => runner([node, 'stack/prepare.mjs'], { cwd: project });

    writeFileSync(hold, '');
    const died = prepareIt();
    await eventually('it is building', START_MS, () => existsSync(join(project, 'begun')));
    // With its npm, as a container ends: one that went on alone would build beside the next one.
    for (const pid of descendantsOf(died.pid)) process.kill(pid, 'SIGKILL');
    rmSync(hold);
    const statuses = await Promise.all([prepareIt(), prepareIt(), prepareIt()].map((run) => run.status));

    expect(statuses).toEqual([0, 0, 0]);
    expect(readFileSync(join(project, 'builds'), 'utf8')).toBe('x');
  });
});
