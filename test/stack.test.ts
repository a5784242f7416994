// `npm run stack`, as a developer or a script uses it, and `startStack`, as the other tests do.
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { prepare } from '../stack/prepare.mjs';
import { startStack, type StackEnvironment } from '../stack/stack.mjs';
import { eventually } from './support/eventually.js';

const START_MS = 60_000;
const END_MS = 15_000;
const NOBODY = 65_534;

const node = process.execPath;
const say = (expression: string): string => `console.log(JSON.stringify(${expression}));`;
/** Says its environment, and ends when its input does. */
const HOLD = [node, '-e', `${say('process.env')} process.stdin.resume();`];

beforeAll(() => prepare());

describe('npm run stack', () => {
  it('runs a command beside a migrated stack, and takes all down when it ends', async () => {
    const run = runner(['npm', 'run', '--silent', 'stack', '--', ...HOLD]);
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
    const run = runner([node, 'stack/run.mjs', '--no-migrate', node, '-e', `${finish} ${HOLD[2] ?? ''}`]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.kill('SIGTERM');

    expect(await run.status).toBe(5);
    await run.leavesNothing(processes);
  });

  it('kills a command that heeds nothing at the second Ctrl-C', async () => {
    const stubborn = `for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {}); ${HOLD[2] ?? ''}`;
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
    const run = runner([node, 'stack/run.mjs', '--no-migrate', node, '-e', `${leave} ${HOLD[2] ?? ''}`]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.stdin?.end();

    expect(await run.status).toBe(0);
    await run.leavesNothing(processes);
  });

  it.each(['SIGKILL', 'SIGHUP'] as const)('leaves nothing behind after %s', async (signal) => {
    const run = runner([node, 'stack/run.mjs', '--no-migrate', ...HOLD]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.kill(signal);

    expect(await run.status).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 129);
    await run.leavesNothing(processes);
  });

  it('leaves nothing behind when npm is killed over it', async () => {
    const run = runner(['npm', 'run', 'stack', '--', '--no-migrate', ...HOLD]);
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
      const run = runner([node, 'stack/run.mjs', ...HOLD], { env, uid: NOBODY, gid: NOBODY });

      await expectMigratedStack(await run.said<StackEnvironment>());
      run.child.stdin?.end();

      expect(await run.status).toBe(0);
      await run.leavesNothing();
    },
    120_000,
  ); // its copy of the cache has no class archive that fits, and the machine's other core may be busy
});

describe('startStack', () => {
  it('starts stacks side by side, whose servers can each be killed, restarted and frozen', async () => {
    const [one, other] = await Promise.all([startStack(), startStack({ topics: [{ topic: 'mine', partitions: 2 }] })]);
    try {
      await Promise.all([expectMigratedStack(one.env), expectMigratedStack(other.env, { mine: 2 })]);

      for (const server of [one.kafka, one.postgres, one.redis]) {
        const first = server.pid;
        await server.kill();
        expect(server.pid).toBeUndefined();
        await server.start();
        expect(server.pid).not.toBe(first);
        await server.restart();
        server.freeze();
        expect(statesOf(server.pid).every((state) => state.startsWith('T'))).toBe(true);
        server.thaw();
      }

      await expectMigratedStack(one.env); // the same ports, the same data
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
    expect([existsSync(one.dataFolder), existsSync(other.dataFolder)]).toEqual([false, false]);
  }, 120_000); // it starts Kafka four times

  it('leaves nothing behind when its process is killed, frozen servers neither', async () => {
    const script = `import { startStack } from './stack/stack.mjs';
      const stack = await startStack({ migrate: false });
      stack.postgres.freeze();
      ${say('stack.env')}
      setInterval(() => {}, 1000);`;
    const run = runner([node, '--input-type=module', '-e', script]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.kill('SIGKILL');

    await run.leavesNothing(processes);
  });
});

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
    const prepareIt = (): Runner => runner([node, 'stack/prepare.mjs'], { cwd: project });

    const died = prepareIt();
    await eventually('it has begun', START_MS, () => existsSync(join(project, 'node_modules')));
    died.child.kill('SIGKILL');
    const statuses = await Promise.all([prepareIt(), prepareIt(), prepareIt()].map((run) => run.status));

    expect(statuses).toEqual([0, 0, 0]);
    expect(readFileSync(join(project, 'builds'), 'utf8')).toBe('x');
  });
});

/** What the stack promises of the four variables. */
async function expectMigratedStack(env: StackEnvironment, topics?: Record<string, number>): Promise<void> {
  const kafka = new Kafka({ brokers: [env.KAFKA_BROKERS], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const redis = new Redis(env.REDIS_URL);
  try {
    await admin.connect();
    const metadata = await admin.fetchTopicMetadata();
    // The topic of the consumer groups is the broker's own.
    const partitions = metadata.topics
      .filter(({ name }) => !name.startsWith('__'))
      .map(({ name, partitions }): [string, number] => [name, partitions.length]);
    expect(Object.fromEntries(partitions)).toEqual(topics ?? { 'ad-events': 3, 'compensation-events': 3 });
    expect(await redis.ping()).toBe('PONG');
    expect(await ask(env.DATABASE_URL, 'select count(*)::int as n from advertisers')).toEqual([{ n: 0 }]);
    const [worker] = await ask(env.DATABASE_URL, `select rolsuper, pg_has_role('worker', 'member') as member ${ROLE}`);
    expect(worker).toEqual({ rolsuper: false, member: true });
    expect(await ask(env.MIGRATION_DATABASE_URL, `select rolsuper ${ROLE}`)).toEqual([{ rolsuper: true }]);
  } finally {
    await admin.disconnect();
    redis.disconnect();
  }
}

const ROLE = 'from pg_roles where rolname = current_user';

async function ask(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A process under test, with a temporary folder of its own in which to look for what it leaves. */
class Runner {
  stdout = '';
  stderr = '';
  /** The exit status, or the signal that ended it. */
  readonly status: Promise<number | string | null>;

  constructor(
    readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.status = once(child, 'close').then(([status, signal]: (number | string | null)[]) => status ?? signal ?? null);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('it was not started');
    return this.child.pid;
  }

  /** The line of JSON that the command has written. */
  async said<T>(): Promise<T> {
    await eventually('the command has begun', START_MS, () => {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}: ${this.stderr}`);
      return /^\{.*\}$/m.test(this.stdout);
    });
    return JSON.parse(/^\{.*\}$/m.exec(this.stdout)?.[0] ?? '') as T;
  }

  /** No process and no file; what its servers were called names their data folder, so strays show too. */
  async leavesNothing(processes: number[] = []): Promise<void> {
    const left = (): string[] => [
      ...listProcesses()
        .filter((one) => processes.includes(one.pid) || one.args.includes(this.folder))
        .map((one) => one.args),
      ...readdirSync(this.folder).filter((name) => name.startsWith('click-worker-')),
    ];
    await eventually('all is gone', END_MS, () => left().length === 0).catch(() => {
      expect(left()).toEqual([]);
    });
  }
}

function runner([file = '', ...args]: string[], { env, ...options }: SpawnOptions = {}): Runner {
  const folder = ownFolder();
  const child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, TMPDIR: folder, ...env }, ...options });
  started.push(child);
  return new Runner(child, folder);
}

const started: ChildProcess[] = [];
const folders: string[] = [];

// What a failed test has left behind: the stack's own watchdog cleans up after its end.
afterEach(async () => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) {
    await eventually('the stack is down', END_MS, () => !listProcesses().some((one) => one.args.includes(folder)));
    rmSync(folder, { recursive: true, force: true });
  }
});

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stack-test-'));
  chmodSync(folder, 0o777);
  folders.push(folder);
  return folder;
}

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly args: string;
}

/** Zombies are over: only their parent has not looked yet. */
function listProcesses(): RunningProcess[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state = '', args = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined || state.startsWith('Z')
      ? []
      : [{ pid: Number(pid), parent: Number(parent), state, args }];
  });
}

function descendantsOf(root: number): number[] {
  const all = listProcesses();
  const found = [root];
  for (const parent of found) found.push(...all.filter((one) => one.parent === parent).map((one) => one.pid));
  return found;
}

function statesOf(root: number | undefined): string[] {
  const tree = descendantsOf(root ?? -1);
  return listProcesses()
    .filter(({ pid }) => tree.includes(pid))
    .map(({ state }) => state);
}

/** Whether we may run as somebody else, and that user can reach this project. */
function canBecomeNobody(): boolean {
  if (process.getuid?.() !== 0) return false;
  const asNobody = { uid: NOBODY, gid: NOBODY, cwd: '/' };
  const paths = [join(process.cwd(), 'stack', 'run.mjs'), node];
  return paths.every((path) => spawnSync('test', ['-r', path], asNobody).status === 0);
}
