// What anybody who reaches PORT may do to it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { WorkerProcess } from './support/worker-process.js';

const { port } = new URL(inject('world').workerUrl);
const HEADERS = 'Host: worker\r\n';

/** What comes back for these bytes until the Worker hangs up. */
async function answerTo(bytes: string, { then }: { then?: (socket: Socket) => void } = {}): Promise<string> {
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined); // it may hang up while we still write
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  await once(socket, 'connect');
  socket.write(bytes);
  then?.(socket);
  await once(socket, 'close');
  return answer;
}

const ask = (line: string, headers = ''): Promise<string> =>
  answerTo(`${line} HTTP/1.1\r\n${HEADERS}Connection: close\r\n${headers}\r\n`);

describe('HTTP', () => {
  it.each(['/health/live', '/health/ready', '/metrics'])('answers GET %s', async (path) => {
    expect(await ask(`GET ${path}`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['GET /'],
    ['GET /health'],
    ['GET /.env'],
    ['GET /metrics/../../etc/passwd'],
    ['GET /%2e%2e%2f%2e%2e%2fetc%2fpasswd'],
    ['GET /%'],
    ['GET /%c0%af'],
    ['GET /<script>alert(1)</script>'],
    ['GET http://169.254.169.254/latest/meta-data'],
    ['GET /__proto__?constructor[prototype]=x'],
    ['POST /metrics'],
    ['PUT /health/live'],
    ['PATCH /health/ready'],
    ['DELETE /metrics'],
    ['PROPFIND /metrics'],
    ['TRACE /metrics'],
  ])('knows nothing of %s', async (line) => {
    const answer = await ask(line);

    expect(answer).toMatch(/^HTTP\/1\.1 (404|400) /);
    expect(answer).not.toMatch(/x-powered-by|express|nestjs|node_modules|\bat \S+ \(/i);
    expect(answer.toLowerCase()).toContain('content-type: application/json'); // a browser takes nothing in it for HTML
  });

  it.each([
    ['a URL', `GET /${'a'.repeat(20_000)}`, ''],
    ['a header', 'GET /metrics', `X-Long: ${'a'.repeat(20_000)}\r\n`],
    ['many headers', 'GET /metrics', 'X-Many: 1\r\n'.repeat(3_000)],
  ])('refuses %s of more than 16 KB', async (_what, line, headers) => {
    // Closed with bytes unread, the connection may be reset before the answer is seen.
    const refused = await ask(line, headers).catch((error: unknown) => (error as NodeJS.ErrnoException).code);

    expect(refused).toMatch(/^HTTP\/1\.1 431 |^ECONNRESET$/);
    expect(await ask('GET /health/live')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['of a length', 'Content-Length: 1000000000\r\n\r\nx'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n'],
  ])('refuses a body %s before it has come', async (_what, rest) => {
    const answer = await answerTo(`GET /metrics HTTP/1.1\r\n${HEADERS}${rest}`);

    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer.toLowerCase()).toContain('connection: close');
  });

  it('refuses what could be two requests to a proxy', async () => {
    const both = 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n';
    expect(await ask('GET /metrics', both)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('hangs up on who sends a request for ever', async () => {
    let dripping: NodeJS.Timeout | undefined;
    const startedAt = Date.now();
    const answer = await answerTo('GET /metrics HTTP/1.1\r\n', {
      then: (socket) => (dripping = setInterval(() => socket.write('X-Drip: 1\r\n'), 500)),
    });
    clearInterval(dripping);

    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(Date.now() - startedAt).toBeLessThan(15_000);
  });

  it('hangs up on who says nothing', async () => {
    const startedAt = Date.now();
    await answerTo('');
    expect(Date.now() - startedAt).toBeLessThan(15_000);
  });

  it('answers others while hundreds of connections wait', async () => {
    const sockets = Array.from({ length: 200 }, () => connect(Number(port), '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));

    expect(await ask('GET /health/live')).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of sockets) socket.destroy();
  });
});

describe('HOST', () => {
  const away = {
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'postgres://w@127.0.0.1:1/w',
    REDIS_URL: 'redis://127.0.0.1:1',
  };
  let worker: WorkerProcess;

  beforeAll(async () => {
    worker = await WorkerProcess.start({ ...away, HOST: '127.0.0.2' });
  });
  afterAll(() => worker.stop('SIGKILL'));

  it('is the one address at which the Worker listens', async () => {
    const own = worker.url.replace('127.0.0.1', '127.0.0.2');
    await expect
      .poll(async () => (await fetch(`${own}/health/live`).catch(() => undefined))?.status, { timeout: 30_000 })
      .toBe(200);

    expect((await worker.get('/health/live')).status).toBe(0);
  });
});

describe('the health check of the image', () => {
  async function check(env: Record<string, string>, ...words: string[]): Promise<{ code: unknown; said: string }> {
    const child = spawn(process.execPath, ['dist/src/cli/health.js', ...words], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = (await once(child, 'close')) as unknown[];
    return { code, said };
  }

  it.each([[[]], [['live']], [['ready']]])('passes where the Worker is well: %j', async (words) => {
    const { code, said } = await check({ PORT: port }, ...words);

    expect(said).toMatch(/"status":"(ok|degraded)"/); // on a busy machine Redis may be late for a moment
    expect(code).toBe(0);
  });

  it('fails where the answer is not 200', async () => {
    const server = createServer((_request, response) => response.writeHead(503).end('not yet'));
    await once(server.listen(0, '127.0.0.2'), 'listening');
    const { port: other } = server.address() as AddressInfo;

    expect(await check({ HOST: '127.0.0.2', PORT: String(other) }, 'ready')).toEqual({ code: 1, said: 'not yet\n' });

    await new Promise((resolve) => server.close(resolve));
    expect((await check({ HOST: '127.0.0.2', PORT: String(other) })).said).toMatch(/ECONNREFUSED/);
    expect((await check({ HOST: '127.0.0.2', PORT: String(other) })).code).toBe(1);
  });

  it('fails at a word that it does not know', async () => {
    expect(await check({ PORT: port }, 'redy')).toEqual({ code: 1, said: 'one word is known: live or ready\n' });
  });
});
