import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, loadDatabaseUrl, loadMigrationDatabaseUrl, type Config } from './config.js';
import { VARIABLES } from './variables.js';

const ENOUGH = {
  KAFKA_BROKERS: 'broker:9092',
  DATABASE_URL: 'postgresql://worker@host/db',
  REDIS_URL: 'redis://host:6379',
};
const NAMES = Object.keys(VARIABLES);

const load = (env: Record<string, string | undefined>): Config => loadConfig({ ...ENOUGH, ...env });

function faultsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('fills in what is not set', () => {
    expect(load({})).toMatchObject({
      kafka: { brokers: ['broker:9092'], ssl: false, sasl: undefined },
      databaseUrl: ENOUGH.DATABASE_URL,
      redisUrl: ENOUGH.REDIS_URL,
      budgetTimezone: 'Asia/Seoul',
      duplicateRateAlertPercent: 5,
      deadLetterRetentionMs: 7_776_000_000,
      port: 3000,
      log: { level: 'info' },
    });
  });

  it('takes an empty or blank value for one that is not set', () => {
    expect(load({ PORT: '', LOG_LEVEL: '  ', KAFKA_SASL_MECHANISM: '' })).toEqual(load({}));
  });

  it('reads what is set', () => {
    const env = {
      KAFKA_BROKERS: 'a:1, [::1]:65535,b-2.example:9092',
      KAFKA_SSL: 'TRUE',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_SASL_USERNAME: 'worker',
      KAFKA_SASL_PASSWORD: 'hush',
      BUDGET_TIMEZONE: 'Europe/Berlin',
      DUPLICATE_RATE_ALERT: '2.5',
      PORT: '0',
      LOG_LEVEL: 'Debug',
    };

    expect(load(env)).toMatchObject({
      kafka: {
        brokers: ['a:1', '[::1]:65535', 'b-2.example:9092'],
        ssl: true,
        sasl: { mechanism: 'scram-sha-512', username: 'worker', password: 'hush' },
      },
      budgetTimezone: 'Europe/Berlin',
      duplicateRateAlertPercent: 2.5,
      port: 0,
      log: { level: 'debug' },
    });
  });

  it.each([
    ['5', 5],
    ['5%', 5],
    ['0.05 %', 0.05],
    ['0', 0],
    ['100', 100],
  ])('reads %j as a percentage', (text, percent) => {
    expect(load({ DUPLICATE_RATE_ALERT: text }).duplicateRateAlertPercent).toBe(percent);
  });

  it.each(['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL'])('does not start without %s', (name) => {
    const faults = faultsOf(() => load({ [name]: undefined }));

    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name} is missing: `))]);
  });

  it.each([
    [
      'KAFKA_BROKERS',
      ['broker', 'broker:0', 'broker:65536', 'broker:x', 'http://broker:1', 'a:1,', 'a:1;b:2', 'a b:1'],
    ],
    ['KAFKA_SSL', ['yes', '1', 'truely']],
    ['KAFKA_SASL_MECHANISM', ['gssapi', 'scram-sha-1', 'plain;']],
    [
      'DATABASE_URL',
      [
        'worker:hush@host/db',
        'mysql://u:hush@host/db',
        'postgresql:hush',
        'postgres://u:hush@host:port/db',
        'postgres://u:hush%zz@host/db',
      ],
    ],
    ['MIGRATION_DATABASE_URL', ['owner:hush@host/db', 'redis://:hush@host']],
    ['REDIS_URL', ['host:6379', 'http://:hush@host', 'redis:hush', 'postgres://u:hush@host']],
    ['BUDGET_TIMEZONE', ['Soul', 'Asia/Soul', 'GMT+9', 'KST9', '+09:00']],
    [
      'SLACK_WEBHOOK_URL',
      ['hooks.slack.com/hush', 'ftp://host/hush', 'smtp://host/hush', 'https://u:hush@host/', 'https:hush hush'],
    ],
    ['SMTP_URL', ['host:25', 'http://:hush@host', 'smtp:hush', 'smtp:///hush', 'smtp://u:hush@host:port']],
    [
      'ALERT_EMAIL_TO',
      ['hush', 'a@b,', 'a@b,hush', 'a@b;hush@c', 'a b@c', '@hush', 'hush@', 'x <a@b', 'hush@a\nBcc: c@d'],
    ],
    ['ALERT_EMAIL_FROM', ['hush', 'a@b,c@d', 'hush\n <a@b>', 'A <hush>', 'a@b\0']],
    ['DUPLICATE_RATE_ALERT', ['five', '-1', '101', '100.1', '5,5', '1e1', '0x5', 'NaN', '2.12345', '5 percent', '%']],
    ['DLQ_RETENTION_DAYS', ['0', '-1', '1.5', '36501', 'ninety']],
    ['OTEL_TRACES_EXPORTER', ['zipkin', 'console', 'otlp,none']],
    [
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      ['host:4318', 'grpc://hush', 'http://u:hush@host', 'http://host?key=hush', 'http://host/#hush'],
    ],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', ['grpc', 'http/protobuf']],
    ['OTEL_EXPORTER_OTLP_HEADERS', ['hush', 'a=b,hush', 'a b=hush', 'a=hush%zz', '=hush']],
    ['OTEL_TRACES_SAMPLER', ['jaeger_remote', 'xray']],
    ['OTEL_TRACES_SAMPLER_ARG', ['1.1', '-0.1', '1e-2', 'half', '5%']],
    ['PORT', ['-1', '65536', '3000.5', '0x10', 'http', '1e3']],
    ['LOG_LEVEL', ['verbose', 'warning', '3']],
  ])('says in one line what is wrong with %s, and never repeats its value', (name, values) => {
    const together = {
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'worker',
      KAFKA_SASL_PASSWORD: 'p',
      SMTP_URL: 'smtp://host',
      ALERT_EMAIL_TO: 'on-call@example.com',
    };

    for (const value of values) {
      const faults = faultsOf(() => load({ ...together, [name]: value }));

      expect(faults, value).toEqual([expect.stringMatching(new RegExp(`^${name} must be [^\\n]+$`))]);
      expect(faults[0]?.slice(name.length)).not.toContain(value.length > 2 ? value : 'hush');
    }
  });

  it('never repeats a value, whatever it is and whichever variable has it', () => {
    const secret = fc.stringMatching(/^[!-~]{0,20}$/).map((text) => `${text}\nhush-${text}`);
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), secret, (name, value) => {
        const faults = faultsOf(() => load({ [name]: value }));

        expect(faults.join('\n')).not.toContain('hush');
        expect(faults.every((fault) => NAMES.some((each) => fault.startsWith(`${each} `)))).toBe(true);
      }),
    );
  });

  it('says everything that is wrong at once, one line each', () => {
    const env = { KAFKA_BROKERS: 'broker', DATABASE_URL: '', PORT: 'http', KAFKA_SASL_USERNAME: 'worker' };

    const names = faultsOf(() => load(env)).map((fault) => fault.split(' ')[0]);

    expect(names).toEqual(['KAFKA_BROKERS', 'DATABASE_URL', 'PORT', 'KAFKA_SASL_MECHANISM']);
  });

  it.each([
    [['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'], { KAFKA_SASL_MECHANISM: 'plain' }],
    [['KAFKA_SASL_PASSWORD'], { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'worker' }],
    [['KAFKA_SASL_MECHANISM'], { KAFKA_SASL_USERNAME: 'worker', KAFKA_SASL_PASSWORD: 'hush' }],
    [['KAFKA_SASL_MECHANISM'], { KAFKA_SASL_PASSWORD: 'hush' }],
  ])('misses %j where only a part of the SASL variables is set', (missing, env) => {
    const faults = faultsOf(() => load(env));

    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(missing);
    expect(faults.join('\n')).not.toContain('hush');
  });
});

describe('where alerts go', () => {
  const email = { SMTP_URL: 'smtp://host:25', ALERT_EMAIL_TO: ' on-call@example.com , Boss <boss@example.com>' };

  it('is nowhere by default', () => {
    expect(load({}).notifications).toEqual({ slackWebhookUrl: undefined, email: undefined });
  });

  it('is Slack, and a list of people', () => {
    const { notifications } = load({ ...email, SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T/B/x' });

    expect(notifications.slackWebhookUrl).toBe('https://hooks.slack.com/services/T/B/x');
    expect(notifications.email?.to).toEqual(['on-call@example.com', 'Boss <boss@example.com>']);
  });

  it.each([
    ['what is said', { ALERT_EMAIL_FROM: 'Worker <worker@example.com>' }, 'Worker <worker@example.com>'],
    ['the user of the server', { SMTP_URL: 'smtps://worker%40example.com:hush@host' }, 'worker@example.com'],
    ['the first of the readers, where the user is no address', { SMTP_URL: 'smtp://u:p@host' }, 'on-call@example.com'],
    ['the first of the readers, where there is no user', {}, 'on-call@example.com'],
  ])('comes from %s', (_whose, env, from) => {
    expect(load({ ...email, ...env }).notifications.email?.from).toBe(from);
  });

  it.each([
    ['ALERT_EMAIL_TO', { SMTP_URL: 'smtp://u:hush@host' }],
    ['SMTP_URL', { ALERT_EMAIL_TO: 'hush@example.com' }],
    ['SMTP_URL', { ALERT_EMAIL_FROM: 'hush@example.com' }],
  ])('misses %s where only the others are set', (missing, env) => {
    const faults = faultsOf(() => load(env));

    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${missing} is missing: `))]);
    expect(faults.join('\n')).not.toContain('hush');
  });
});

describe('HOST', () => {
  it.each(['127.0.0.1', '::', 'fe80::1', 'localhost', 'worker-1.internal'])('may be %s', (HOST) => {
    expect(load({ HOST }).host).toBe(HOST);
  });

  it.each(['127.0.0.1:3000', '[::1]', 'http://host', 'a b', '-x', '*', 'a..b', 'a'.repeat(254)])(
    'may not be %j',
    (HOST) => {
      expect(faultsOf(() => load({ HOST }))).toEqual([expect.stringMatching(/^HOST must be an IP address or/)]);
    },
  );

  it('is every address where it is not set', () => {
    expect(load({ HOST: ' ' }).host).toBeUndefined();
  });
});

describe('tracing', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'https://collector:4318/otel/';

  it.each([
    ['by default', {}],
    ['where that is said', { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
  ])('is off %s', (_when, env) => {
    expect(load(env).tracing).toBeUndefined();
  });

  it('is on with an endpoint, and keeps all that begins here', () => {
    expect(load({ OTEL_EXPORTER_OTLP_ENDPOINT }).tracing).toEqual({
      url: 'https://collector:4318/otel/v1/traces',
      headers: {},
      serviceName: 'click-worker',
      rootShare: 1,
    });
  });

  it('takes the collector of the host where none is named', () => {
    expect(load({ OTEL_TRACES_EXPORTER: 'otlp' }).tracing?.url).toBe('http://localhost:4318/v1/traces');
  });

  it.each(['always_on', 'always_off', 'traceidratio'])('refuses %s, which would not ask the parent', (sampler) => {
    expect(faultsOf(() => load({ OTEL_TRACES_SAMPLER: sampler }))).toHaveLength(1);
  });

  it.each([
    ['parentbased_always_on', 1],
    ['parentbased_always_off', 0],
  ])('asks no share with %s', (sampler, rootShare) => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: '0.5' };

    expect(load(env).tracing).toMatchObject({ rootShare });
  });

  it('reads a share and headers', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.01',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x%3Dy, tenant=ads',
    };

    expect(load(env).tracing).toMatchObject({
      rootShare: 0.01,
      headers: { authorization: 'Bearer x=y', tenant: 'ads' },
    });
  });
});

describe('the database URLs', () => {
  it('are read without the rest of the environment', () => {
    expect(loadDatabaseUrl({ DATABASE_URL: ENOUGH.DATABASE_URL })).toBe(ENOUGH.DATABASE_URL);
    expect(faultsOf(() => loadDatabaseUrl({}))).toEqual([expect.stringMatching(/^DATABASE_URL is missing/)]);
  });

  it("are the owner's for migrations, else the Worker's", () => {
    const owner = 'postgresql://owner@host/db';

    expect(loadMigrationDatabaseUrl({ ...ENOUGH, MIGRATION_DATABASE_URL: owner })).toBe(owner);
    expect(loadMigrationDatabaseUrl(ENOUGH)).toBe(ENOUGH.DATABASE_URL);
    expect(faultsOf(() => loadMigrationDatabaseUrl({}))).toEqual([expect.stringMatching(/^DATABASE_URL is missing/)]);
  });
});

describe('.env.example', () => {
  const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
  const entries = example.split('\n').flatMap((line) => {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value] as const];
  });

  it('is a configuration that the Worker starts with', () => {
    expect(() => loadConfig(Object.fromEntries(entries))).not.toThrow();
  });
});
