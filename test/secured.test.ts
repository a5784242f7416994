// The Worker against servers that let nobody in without TLS and a password.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisCacheService } from '../src/platform/redis/redis-cache.service.js';
import { freePort } from '../stack/ports.mjs';
import { Certificates } from './support/certificates.js';
import { findings } from './support/doctor.js';
import { eventually } from './support/eventually.js';
import { holdBackHandshake } from './support/held-handshake.js';
import { MAIL_PASSWORD, MailServer } from './support/mail-server.js';
import { anAlert } from './support/notifications.js';
import { useOwnWorld } from './support/own-world.js';
import { PASSWORDS, SCRAM, secure, securedKafka, type SecuredUrls } from './support/secured-stack.js';
import type { WorkerProcess } from './support/worker-process.js';

const certificates = new Certificates();
const kafkaPort = await freePort();
const own = useOwnWorld(securedKafka(kafkaPort, certificates));
const tls = { key: readFileSync(certificates.key), cert: readFileSync(certificates.cert) };
const [startTls, smtps, plain] = [
  new MailServer({ secure: false, ...tls }),
  new MailServer({ secure: true, ...tls }),
  new MailServer(),
];
let urls: SecuredUrls;

beforeAll(async () => {
  await Promise.all([startTls, smtps, plain].map((server) => server.open()));
  urls = await secure(own, kafkaPort, certificates);
});

afterAll(async () => {
  await Promise.all([startTls, smtps, plain].map((server) => server.close()));
  certificates.remove();
});

const trusting = (): Record<string, string> => ({ NODE_EXTRA_CA_CERTS: certificates.ca });
const allSecured = (): Record<string, string> => ({
  ...urls.kafka,
  DATABASE_URL: `${urls.postgres}?sslmode=verify-full`,
  REDIS_URL: urls.redis,
  SMTP_URL: `${startTls.url}?requireTLS=true`,
  ALERT_EMAIL_TO: 'on-call@example.com',
  LOG_LEVEL: 'debug',
});

async function chargesAClick(): Promise<void> {
  const account = await own.account();
  await own.click([account], 3);
  await own.chargedAtLeast(3, 30_000, account);
}

const says = (worker: WorkerProcess, what: RegExp): Promise<void> =>
  eventually(`it says ${String(what)}`, 60_000, () => worker.lines.some((line) => what.test(JSON.stringify(line))));

function keepsItsSecrets({ lines, words }: WorkerProcess): void {
  const said = [...lines.map((line) => JSON.stringify(line)), ...words].join('\n');
  for (const secret of [...Object.values(PASSWORDS), MAIL_PASSWORD, 'hush']) {
    expect(said).not.toContain(secret);
    expect(said).not.toContain(encodeURIComponent(secret));
  }
}

/** It runs, is not ready, says why, and not with which password. */
async function waitsAndSays(env: Record<string, string>, what: RegExp, whyNotReady = /"down"/): Promise<void> {
  const worker = await own.startWorker({ ...allSecured(), ...env });
  await says(worker, what);
  await eventually('it answers', 20_000, async () => (await worker.get('/health/live')).status === 200);
  const { status, body } = await worker.get('/health/ready');
  expect({ status, body }).toEqual({ status: 503, body: expect.stringMatching(whyNotReady) as string });
  keepsItsSecrets(worker);
  await own.stopWorker(worker);
}

describe('with all of them secured', () => {
  it('a click is charged at the price in Redis, and an alert is mailed', async () => {
    const worker = await (await own.startWorker({ ...allSecured(), ...trusting() })).ready(90_000);
    const advertiser = await own.world.advertiser({ balance: '10' });
    const campaign = await own.world.campaign(advertiser, { redisCpc: '2' }); // nowhere else
    await own.click([{ advertiser, campaign }], 1);
    const alert = anAlert();
    await own.world.produce('alert-events', [JSON.stringify(alert)]);

    await eventually('it is charged', 30_000, async () => (await own.world.balanceOf(advertiser)) === '8.000000');
    await eventually('it is mailed', 30_000, () => startTls.with(alert.alertId).length === 1);
    expect((await worker.get('/health/ready')).body).not.toContain('degraded');
    const { rows } = await own.world.database.query(
      `select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'worker_app'`,
    );
    expect(rows).toEqual([{ ssl: true }]);
    keepsItsSecrets(worker);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);

  it('mail goes out by smtps:// too', async () => {
    const env = { ...allSecured(), ...trusting(), SMTP_URL: smtps.url };
    const worker = await (await own.startWorker(env)).ready(90_000);
    const alert = anAlert();
    await own.world.produce('alert-events', [JSON.stringify(alert)]);

    await chargesAClick();
    await eventually('it is mailed', 30_000, () => smtps.with(alert.alertId).length === 1);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);
});

describe('Postgres', () => {
  it.each([
    ['verify-full', '', true],
    ['require', '', true],
    ['verify-ca', '', true],
    ['prefer', '', true],
    ['no-verify', '', false],
    ['verify-full', 'sslrootcert', false],
  ])(
    'with sslmode=%s %s needs NODE_EXTRA_CA_CERTS: %s',
    async (sslmode, rootCert, isNeeded) => {
      const root = rootCert === '' ? '' : `&sslrootcert=${encodeURIComponent(certificates.ca)}`;
      const env = { ...allSecured(), DATABASE_URL: `${urls.postgres}?sslmode=${sslmode}${root}` };
      const worker = await own.startWorker(env); // which trusts nobody else
      if (isNeeded) await says(worker, /database not reachable \(.*certificate/);
      else await eventually('it connects', 30_000, () => connections());
      keepsItsSecrets(worker);
      await own.stopWorker(worker);
    },
    120_000,
  );

  it('that wants TLS and gets none says so', async () => {
    await waitsAndSays({ ...trusting(), DATABASE_URL: urls.postgres }, /database not reachable \(.*no encryption/);
  }, 120_000);

  it('under a name that its certificate does not have is not trusted', async () => {
    const DATABASE_URL = `${urls.postgres.replace('@127.0.0.1:', '@localhost:')}?sslmode=verify-full`;
    await waitsAndSays({ ...trusting(), DATABASE_URL }, /database not reachable \(.*ALTNAME/);
  }, 120_000);

  it('whose authority lies in a file that is missing is waited for, and the file named', async () => {
    const DATABASE_URL = `${urls.postgres}?sslmode=verify-full&sslrootcert=/missing/ca.pem`;
    await waitsAndSays({ ...trusting(), DATABASE_URL }, /database not reachable \(.*\/missing\/ca\.pem/);
  }, 120_000);

  it('that refuses the password says so', async () => {
    const wrong = urls.postgres.replace(encodeURIComponent(PASSWORDS.postgres), 'hush-wrong');
    const env = { ...trusting(), DATABASE_URL: `${wrong}?sslmode=verify-full` };
    await waitsAndSays(env, /database not reachable \(password authentication failed.*28P01/);
  }, 120_000);

  async function connections(): Promise<boolean> {
    const sql = `select from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'worker_app' and ssl`;
    return (await own.world.database.query(sql)).rowCount !== 0;
  }
});

describe('Redis', () => {
  it.each([
    [
      'that refuses the password',
      (url: string) => url.replace(encodeURIComponent(PASSWORDS.redis), 'hush-wrong'),
      true,
    ],
    ['with a certificate that is not trusted', (url: string) => url, false],
  ])(
    '%s is done without, and the log says why',
    async (_what, change, isTrusted) => {
      const DATABASE_URL = `${urls.postgres}?sslmode=no-verify`;
      const env = { ...allSecured(), DATABASE_URL, REDIS_URL: change(urls.redis), ...(isTrusted ? trusting() : {}) };
      const worker = await own.startWorker(env);

      await says(worker, isTrusted ? /Redis is away.*WRONGPASS/ : /Redis is away.*certificate/);
      keepsItsSecrets(worker);
      await own.stopWorker(worker);
    },
    120_000,
  );

  it('whose certificate is not trusted ends nothing where the Worker stops in the middle of the handshake', async () => {
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', onUncaught);
    const url = new URL(urls.redis);
    const { port, helloCame, closed } = await holdBackHandshake(Number(url.port));
    const redis = new RedisCacheService(url.href.replace(`:${url.port}`, `:${port}`));

    const started = redis.onModuleInit();
    await helloCame;
    redis.onApplicationShutdown();
    await Promise.all([closed, started]);

    process.off('uncaughtException', onUncaught);
    expect(uncaught).toEqual([]);
  });

  it('may refuse every command but those that the Worker needs', async () => {
    const told = (await own.world.redis.acl('GETUSER', 'worker')) as unknown[];
    const commands = String(told[told.indexOf('commands') + 1]);
    expect(commands.split(' ').toSorted()).toEqual(['+get', '+mget', '-@all']);
  });
});

describe('the mail server', () => {
  it.each([
    ['with a certificate that is not trusted', () => startTls.url, {}, /certificate/],
    [
      'that offers no TLS although it is required',
      () => `${plain.url}?requireTLS=true`,
      { trusts: true },
      /TLS|certificate/,
    ],
  ])(
    '%s gets no mail and no password',
    async (_what, url, { trusts = false }: { trusts?: boolean }, reason) => {
      // Kafka and Postgres by their open and unverified doors: only the mail server is not trusted.
      const env = {
        ...own.stack.env,
        DATABASE_URL: `${urls.postgres}?sslmode=no-verify`,
        SMTP_URL: url(),
        ALERT_EMAIL_TO: 'on-call@example.com',
        ...(trusts ? trusting() : {}),
      };
      const before = [startTls, plain].flatMap(({ mails }) => mails).length;
      const worker = await (await own.startWorker(env)).ready(90_000);
      const alert = anAlert();
      await own.world.produce('alert-events', [JSON.stringify(alert)]);

      await eventually('it was tried', 60_000, async () => reason.test((await lastError(alert.alertId)) ?? ''));
      expect([startTls, plain].flatMap(({ mails }) => mails)).toHaveLength(before);
      keepsItsSecrets(worker);
      await own.stopWorker(worker);
    },
    120_000,
  );

  async function lastError(alertId: string): Promise<string | null | undefined> {
    const { rows } = await own.world.database.query<{ last_error: string | null }>(
      'select last_error from notification_deliveries where alert_id = $1',
      [alertId],
    );
    return rows[0]?.last_error;
  }
});

describe('Kafka', () => {
  it.each(SCRAM)(
    'lets a user in by %s',
    async (mechanism, password) => {
      const env = { ...trusting(), KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_PASSWORD: password };
      const worker = await (await own.startWorker({ ...allSecured(), ...env })).ready(90_000);

      await chargesAClick();
      keepsItsSecrets(worker);
      expect(await own.stopWorker(worker)).toBe(0);
    },
    120_000,
  );

  it.each(['plain', ...SCRAM.map(([mechanism]) => mechanism)])(
    'that refuses the password by %s says so, and names the variable',
    async (mechanism) => {
      const env = { ...trusting(), KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_PASSWORD: 'hush-wrong' };
      await waitsAndSays(env, /consumer is not running.*authentication.*KAFKA_SASL_PASSWORD/i, /KAFKA_SASL_PASSWORD/);
    },
    120_000,
  );

  it('that refuses the password is told by the doctor, with the variable', async () => {
    const env = { ...trusting(), KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_PASSWORD: 'hush-wrong' };
    const { of, text } = await findings({ ...allSecured(), ...env });

    expect(of('kafka')?.outcome).toBe('failed');
    expect(of('kafka')?.found).toMatch(/authentication.*KAFKA_SASL_PASSWORD/i);
    expect(text).not.toContain('hush');
  }, 60_000);

  it('that wants TLS and gets none says where to look', async () => {
    const env = { ...trusting(), KAFKA_SSL: 'false' };
    await waitsAndSays(env, /consumer is not running.*KAFKA_SSL/, /KAFKA_SSL/);
  }, 120_000);

  it('with a certificate that is not trusted is waited for', async () => {
    await waitsAndSays({}, /consumer is not running.*certificate/);
  }, 120_000);
});
