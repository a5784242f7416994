// `npm run stack`, as a developer or a script uses it.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepare } from '../../stack/prepare.mjs';
import type { StackEnvironment } from '../../stack/stack.mjs';
import { eventually } from '../support/eventually.js';
import { expectMigratedStack } from '../support/migrated-stack.js';
import { descendantsOf } from '../support/processes.js';
import { HOLD, node, say, START_MS, useRunners } from '../support/runner.js';

const NOBODY = 65_534;
const { runner, ownFolder } = useRunners();

beforeAll(() => prepare());

describe('npm run stack', () => {
  it('runs a command beside a migrated stack, and takes all down when it ends', async () => {
    const run = runner(['npm', 'run', '--silent', 'stack', '--', node, '-e', HOLD]);
    const env = await run.said<StackEnvironment>();
    const processes = descendantsOf(run.pid);

    await expectMigratedStack(env);
    run.child.stdin?.end();

    expect(await run.status).toBe(0);
    expect(processes.length).toBeGreaterThan(5);
    await run.leavesNothing(processes);
  });

  it.each([
    { command: [node, '-e', 'process.exit(7)'], status: 7 },
    { command: [node, '-e', `process.kill(process.pid, 'SIGKILL')`], status: 137 },
    { command: ['exit 9; a single word is for the shell'], status: 9 },
  ])('exits with $status after $command', async ({ command, status }) => {
    const run = runner([node, 'stack/run.mjs', '--no-migrate', ...command]);

    expect(await run.status).toBe(status);
    await run.leavesNothing();
  });

  it('says in one line that a command is unknown', async () => {
    const run = runner([node, 'stack/run.mjs', '--no-migrate', 'no-such-command', 'at', 'all']);

    expect(await run.status).toBe(127);
    expect(run.stderr.trim()).toBe('stack: no-such-command: no such command');
    await run.leavesNothing();
  });

  it('hands arguments on as they are, and keeps its own words out of standard output', async () => {
    const words = ['two words', '$HOME', `it's`, '', '*', '--flag'];
    const command = [node, '-e', say('process.argv.slice(1)'), '--', ...words];
    const run = runner(['npm', 'run', '--silent', 'stack', '--', '--no-migrate', ...command]);

    expect(await run.status).toBe(0);
    expect(run.stdout).toBe(`${JSON.stringify(words)}\n`);
  });

  it('without a command prints the variables and stays until it is interrupted', async () => {
    const run = runner([node, 'stack/run.mjs', '--no-migrate']);
    await eventually('four variables', START_MS, () => run.stdout.split('\n').length === 5);

    run.child.kill('SIGINT');

    expect(await run.status).toBe(0);
    const names = run.stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/=\S+$/, ''));
    expect(names).toEqual(['KAFKA_BROKERS', 'MIGRATION_DATABASE_URL', 'DATABASE_URL', 'REDIS_URL']);
    await run.leavesNothing();
  });

  it('passes SIGTERM on and lets the command finish its work, with the servers still there', async () => {
    const finish = `process.on('SIGTERM', () => require('node:net')
      .connect(process.env.KAFKA_BROKERS.split(':')[1], '127.0.0.1', () => process.exit(5)));`;
    const run = runner([node, 'stack/run.mjs', '--no-migrate', node, '-e', `${finish} ${HOLD}`]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.kill('SIGTERM');

    expect(await run.status).toBe(5);
    await run.leavesNothing(processes);
  });

  it('kills a command that heeds nothing at the second Ctrl-C', async () => {
    const stubborn = `for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {}); ${HOLD}`;
    const run = runner([node, 'stack/run.mjs', '--no-migrate', node, '-e', stubborn]);
    await run.said();
    const processes = descendantsOf(run.pid);

    // Two in quick succession count as one (npm passes on what the terminal has sent already): so until it heeds.
    await eventually('the end', 5_000, () => !run.child.kill('SIGINT'));

    expect(await run.status).toBe(130);
    await run.leavesNothing(processes);
  });

  it('ends what the command has left running', async () => {
    const leave = `require('node:child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();`;
    const run = runner([node, 'stack/run.mjs', '--no-migrate', node, '-e', `${leave} ${HOLD}`]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.stdin?.end();

    expect(await run.status).toBe(0);
    await run.leavesNothing(processes);
  });

  it.each(['SIGKILL', 'SIGHUP'] as const)('leaves nothing behind after %s', async (signal) => {
    const run = runner([node, 'stack/run.mjs', '--no-migrate', node, '-e', HOLD]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.kill(signal);

    expect(await run.status).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 129);
    await run.leavesNothing(processes);
  });

  it('leaves nothing behind when npm is killed over it', async () => {
    const run = runner(['npm', 'run', 'stack', '--', '--no-migrate', node, '-e', HOLD]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.kill('SIGKILL');

    await run.leavesNothing(processes);
  });

  it.skipIf(!canBecomeNobody())(
    'runs for an ordinary user too',
    async () => {
      const home = ownFolder();
      // What was downloaded once need not be again.
      cpSync(
        join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'click-worker'),
        join(home, 'click-worker'),
        {
          recursive: true,
          filter: (path) => !path.endsWith('locks'),
        },
      );
      spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, home]);
      const env = { HOME: home, XDG_CACHE_HOME: home };
      const run = runner([node, 'stack/run.mjs', node, '-e', HOLD], { env, uid: NOBODY, gid: NOBODY });

      await expectMigratedStack(await run.said<StackEnvironment>());
      run.child.stdin?.end();

      expect(await run.status).toBe(0);
      await run.leavesNothing();
    },
    120_000,
  ); // its copy of the cache has no class archive that fits, and the machine's other core may be busy
});

/** Whether we may run as somebody else, and that user can reach this project. */
function canBecomeNobody(): boolean {
  if (process.getuid?.() !== 0) return false;
  const asNobody = { uid: NOBODY, gid: NOBODY, cwd: '/' };
  const paths = [join(process.cwd(), 'stack', 'run.mjs'), node];
  return paths.every((path) => spawnSync('test', ['-r', path], asNobody).status === 0);
}
