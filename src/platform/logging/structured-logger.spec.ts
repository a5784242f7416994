import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StructuredLogger } from './structured-logger.js';

function recorded(level = 'trace'): { logger: StructuredLogger; lines: string[] } {
  const lines: string[] = [];
  const logger = new StructuredLogger({ level, pretty: false }, { write: (line) => void lines.push(line) });
  return { logger, lines };
}

function lineOf(message: unknown, ...rest: unknown[]): Record<string, unknown> {
  const { logger, lines } = recorded();
  logger.log(message, ...rest);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('StructuredLogger', () => {
  it('writes a happening as one line, its fields beside its message', () => {
    const line = lineOf({ msg: 'posted', topic: 'ad-events', offset: 12n, retries: 2 }, 'LedgerService');

    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      context: 'LedgerService',
      msg: 'posted',
      topic: 'ad-events',
      offset: '12',
      retries: 2,
    });
  });

  it('leaves what Nest says of each module to those who debug', () => {
    const { logger, lines } = recorded('info');

    logger.log('AppModule dependencies initialized', 'InstanceLoader');
    logger.log('Nest application successfully started', 'NestApplication');

    expect(lines).toEqual([expect.stringContaining('successfully started')]);
  });

  it('writes a text of several lines as one', () => {
    const { logger, lines } = recorded();

    logger.warn('a\nb');

    expect(lines.join('').split('\n')).toHaveLength(2);
  });

  it('writes an error with its stack, and in a field its message', () => {
    const error = new Error('out of luck');

    expect(lineOf(error)).toMatchObject({
      msg: 'out of luck',
      stack: expect.stringContaining('logger.spec') as string,
    });
    expect(lineOf({ msg: 'failed', error })).toMatchObject({ error: 'out of luck' });
  });

  it.each([
    ['silent', []],
    ['fatal', ['fatal']],
    ['error', ['fatal', 'error']],
    ['info', ['fatal', 'error', 'warn', 'info']],
    ['trace', ['fatal', 'error', 'warn', 'info', 'debug', 'trace']],
  ])('at level %s writes %j', (level, written) => {
    const { logger, lines } = recorded(level);

    for (const say of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const) logger[say]('x');

    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(written);
  });

  it.each([undefined, null, 5, true, Symbol('odd'), [], {}, Object.create(null)])(
    'lives through %s',
    (message: unknown) => {
      expect(lineOf(message)).toHaveProperty('level', 'info');
    },
  );

  it('lives through what is nested without end', () => {
    const loop: Record<string, unknown> = { msg: 'round', at: new Date(0), bytes: Buffer.from('payload') };
    loop['loop'] = loop;

    expect(lineOf(loop)).toMatchObject({ msg: 'round', at: '1970-01-01T00:00:00.000Z', bytes: '7 bytes' });
  });
});

describe('a text of any length', () => {
  const LONG = 'x'.repeat(1_000_000);
  const CUT = `${'x'.repeat(2_000)}… (998000 more characters)`;

  it.each([
    ['as the message', LONG, { msg: CUT }],
    ['in a field', { msg: 'failed', error: LONG }, { error: CUT }],
    ['in a nested field', { msg: 'failed', a: { b: [{ c: LONG }] } }, { a: { b: [{ c: CUT }] } }],
    ['in a list', { msg: 'failed', all: [LONG, 'short'] }, { all: [CUT, 'short'] }],
    ["in a field's name", { msg: 'failed', [LONG]: 1 }, { [CUT]: 1 }],
    ["in an error's field", { msg: 'failed', error: new Error(LONG) }, { error: CUT }],
    ['as a number', { msg: 'failed', n: 10n ** 2_999n }, { n: `1${'0'.repeat(1_999)}… (1000 more characters)` }],
  ])('is cut %s', (_where, message, written) => {
    expect(lineOf(message)).toMatchObject(written);
  });

  it('is cut in an error, whose stack still says where it was', () => {
    const { msg, stack } = lineOf(new Error(LONG)) as { msg: string; stack: string };

    expect(msg).toBe(CUT);
    expect(stack).toMatch(/^Error: …\n +at .*logger\.spec/);
    expect(lineOf({ msg: 'failed', stack: `Error\n${LONG}` })['stack']).toHaveLength(CUT.length);
  });

  it('is cut as the context too', () => {
    expect(lineOf('failed', LONG)).toMatchObject({ context: CUT });
  });

  it('is whole at 2,000 characters', () => {
    expect(lineOf('y'.repeat(2_000))).toMatchObject({ msg: 'y'.repeat(2_000) });
  });

  it('tells no secret that the cut goes through', () => {
    const { logger, lines } = recorded();
    const before = `postgres://worker:${'s'.repeat(10)}`;

    logger.error(`${'x'.repeat(2_000 - before.length - 1)} ${before}${'s'.repeat(50)}@host`);

    expect(lines[0]).not.toContain('sss');
  });
});

describe('a secret never reaches a line', () => {
  const SECRET = 'hush';

  it.each([
    ['in a URL', `cannot reach postgresql://worker:${SECRET}@host:5432/db now`],
    ['in a URL without a user', `redis://:${SECRET}@host`],
    ['in a URL where it holds an @', `postgres://worker:p@${SECRET}@host/db`],
    ['in two URLs', `redis://:a@host, redis://:${SECRET}@host`],
    ['in a connection string', `host=h user=u password=${SECRET} dbname=d`],
    ['in a query', `postgres://h/db?sslpassword=${SECRET}&x=1`],
    ['in the address of a webhook', `POST https://hooks.slack.com/services/T0/B0/${SECRET} failed`],
    ['in an error', new Error(`connect redis://:${SECRET}@host`)],
    ["in an error's field", { msg: 'failed', error: new Error(`connect redis://:${SECRET}@host`) }],
    ['in a field of a telling name', { msg: 'started', databasePassword: SECRET }],
    ['in a field of a telling name in capitals', { msg: 'started', SLACK_WEBHOOK_URL: `https://chat/${SECRET}` }],
    ['in a field that is an object', { msg: 'started', sasl: { username: 'worker', value: SECRET } }],
    ['in a nested field', { msg: 'started', kafka: { clients: [{ auth: { password: SECRET } }] } }],
    ['in a nested text', { msg: 'started', urls: [`redis://:${SECRET}@host`] }],
    ['in a nested error', { msg: 'failed', causes: [new Error(`redis://:${SECRET}@host`)] }],
    ['in bytes', { msg: 'received', value: Buffer.from(SECRET) }],
  ])('%s', (_where, message) => {
    const { logger, lines } = recorded();

    logger.error(message, `stack of redis://:${SECRET}@host`, `context of redis://:${SECRET}@host`);

    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain(SECRET);
    expect(lines[0]).not.toContain(String(Buffer.from(SECRET).toJSON().data));
  });

  it('however deep the field lies', () => {
    const place = fc.array(fc.constantFrom('a', 'b', 'list'), { maxLength: 12 });
    fc.assert(
      fc.property(place, fc.constantFrom('password', 'apiToken', 'plain'), (names, last) => {
        const leaf: unknown = { [last]: last === 'plain' ? `redis://:${SECRET}@host` : SECRET };
        const nested = names.reduce((inner, name) => (name === 'list' ? [inner] : { [name]: inner }), leaf);

        expect(JSON.stringify(lineOf({ msg: 'started', nested }))).not.toContain(SECRET);
      }),
    );
  });

  it('and the rest of the line stays readable', () => {
    expect(lineOf(`cannot reach postgresql://worker:${SECRET}@host:5432/db now`)).toMatchObject({
      msg: 'cannot reach postgresql://worker:***@host:5432/db now',
    });
    expect(lineOf('12:30 see http://host:80/a and mail me@host')).toMatchObject({
      msg: '12:30 see http://host:80/a and mail me@host',
    });
  });
});
