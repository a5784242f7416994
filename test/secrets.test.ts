// Every variable that may hold a secret holds a marked one, every server is away or not what it should be, and all that the
// Worker and its commands say is looked through for the marks.
import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './support/cli.js';
import { eventually } from './support/eventually.js';
import { WorkerProcess } from './support/worker-process.js';

const MARK = 'mark3d';
/** With what a URL must escape, so that the drivers hold another text than the environment. */
const SECRET = `${MARK}/p@ss:w%rd`;
const IN_URL = encodeURIComponent(SECRET);
const CLOSED = '127.0.0.1:1';

/** Hangs up at once. */
const rude = createServer((socket: Socket) => socket.destroy());

beforeAll(async () => {
  rude.listen(0, '127.0.0.1');
  await once(rude, 'listening');
});
afterAll(() => {
  rude.close();
});

const at = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

const marked = (server: string): Record<string, string> => ({
  KAFKA_BROKERS: server,
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'worker',
  KAFKA_SASL_PASSWORD: SECRET,
  DATABASE_URL: `postgresql://worker:${IN_URL}@${server}/worker`,
  MIGRATION_DATABASE_URL: `postgresql://owner:${IN_URL}@${server}/worker`,
  REDIS_URL: `redis://worker:${IN_URL}@${server}`,
  SLACK_WEBHOOK_URL: `http://${server}/services/T0/B0/${MARK}`,
  SMTP_URL: `smtp://worker:${IN_URL}@${server}`,
  ALERT_EMAIL_TO: 'on-call@example.com',
  LOG_LEVEL: 'trace',
});

const FORMS = [MARK, ...[SECRET, `\0worker\0${SECRET}`].map((text) => Buffer.from(text).toString('base64'))];

function hasNoMark(said: string): void {
  for (const form of FORMS) expect(said).not.toContain(form);
}

const saidBy = ({ lines, words }: WorkerProcess): string =>
  [...lines.map((line) => JSON.stringify(line)), ...words].join('\n');

describe('no secret is told', () => {
  it.each([
    ['is away', () => CLOSED],
    ['hangs up', () => at(rude)],
  ])(
    'when every server %s',
    async (_how, server) => {
      const worker = await WorkerProcess.start(marked(server()));
      for (const [what, pattern] of [
        ['Kafka', /consumer is not running/],
        ['Postgres', /database not reachable/],
        ['Redis', /Redis is away/],
      ] as const)
        await eventually(`it has missed ${what}`, 90_000, () => pattern.test(saidBy(worker)));
      const pages = await Promise.all(['/health/live', '/health/ready', '/metrics'].map((path) => worker.get(path)));
      await worker.stop();

      expect(pages.map(({ status }) => status)).toEqual([200, 503, 200]);
      hasNoMark(pages.map(({ body }) => body).join('\n'));
      hasNoMark(saidBy(worker));
    },
    120_000,
  );

  it.each(['reconcile', 'dlq list', 'dlq groups', 'dlq replay --dry-run --all'])('by %s', async (command) => {
    for (const server of [CLOSED, at(rude)]) {
      const { stdout, stderr, code } = await runCli(marked(server), ...command.split(' '));

      expect(code).not.toBe(0);
      expect(stdout + stderr).not.toBe('');
      hasNoMark(stdout + stderr);
    }
  });

  it('by the migrations', async () => {
    const env = { PATH: process.env['PATH'], ...marked(CLOSED) };
    const said = await new Promise<string>((resolve) => {
      execFile(process.execPath, ['dist/src/cli/migrate.js'], { env }, (_error, stdout, stderr) => {
        resolve(stdout + stderr);
      });
    });

    expect(said).toContain('migrate: ');
    hasNoMark(said);
  });

  it.each([
    ['DATABASE_URL', `postgresql://worker:${MARK}%@${CLOSED}/worker`],
    ['REDIS_URL', `http://worker:${IN_URL}@${CLOSED}`],
    ['SLACK_WEBHOOK_URL', `https://worker:${IN_URL}@${CLOSED}/`],
    ['SMTP_URL', `mailto:${MARK}`],
    ['KAFKA_BROKERS', MARK],
    ['HOST', `http://${MARK}`],
  ])('by a start that fails over %s', async (name, value) => {
    const worker = await WorkerProcess.start({ ...marked(CLOSED), [name]: value });
    await eventually('it has ended', 30_000, () => worker.exited && worker.words.length > 0);

    expect(worker.exitCode).toBe(1);
    expect(worker.words.join('\n')).toContain(name);
    hasNoMark(saidBy(worker));
  });

  it.each([
    ['a rejection that nobody handles', 'Promise.reject(error)'],
    ['an error that nobody catches', 'throw error'],
  ])('by %s, which ends the process in one line', async (_what, happens) => {
    const script = `setTimeout(() => {
      const url = process.env.DATABASE_URL;
      const error = Object.assign(new Error('cannot connect to ' + url + '\\n    at driver'), { connectionString: url });
      ${happens};
    }, 5000)`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(script).replaceAll("'", '%27')}`;
    const worker = await WorkerProcess.start({ ...marked(CLOSED), NODE_OPTIONS });
    await eventually('it has ended', 60_000, () => worker.exited);

    expect(worker.exitCode).toBe(1);
    expect(worker.words).toEqual([]);
    expect(worker.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'an error that nobody caught ends the process',
      error: expect.stringContaining('cannot connect to postgresql://worker:***@') as string,
    });
    hasNoMark(saidBy(worker));
  });
});
