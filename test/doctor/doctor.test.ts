// `npm run cli -- doctor` against set-ups that are broken in one way each, and one that is sound.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { useDatabase } from '../support/database.js';
import { findings } from '../support/doctor.js';
import { MAIL_PASSWORD, MailServer } from '../support/mail-server.js';

/** Nothing listens there. */
const NOWHERE = '127.0.0.1:1';
const database = useDatabase();

function environment(more: Record<string, string> = {}): Record<string, string> {
  const { KAFKA_BROKERS = '', REDIS_URL = '', BUDGET_TIMEZONE = '' } = inject('world').env;
  return { KAFKA_BROKERS, REDIS_URL, BUDGET_TIMEZONE, DATABASE_URL: database.workerUrl, ...more };
}

/** As a stopped server: takes connections, answers nothing. */
const hung: Server = createServer(() => undefined);

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('doctor', () => {
  it('finds nothing wrong with a sound set-up, and says so in words and in JSON', async () => {
    const { code, checks, of } = await findings(environment());

    expect(checks.map(({ name }) => name)).toEqual([
      'configuration',
      'kafka',
      'topics',
      "the Worker's topics",
      'partitions',
      'replication',
      'min.insync.replicas',
      'max.message.bytes',
      'retention',
      'cleanup.policy',
      'message.timestamp.type',
      'kafka rights',
      'postgres',
      'writes',
      'migrations',
      'login',
      'posting',
      'budget time zone',
      'history partitions',
      'clocks',
      'connections',
      'redis',
      'alerts',
    ]);
    // Whether the machine is busy right now (Redis late, connections taken) is not this set-up's fault.
    const busy = ['redis', 'connections', 'clocks'];
    expect(checks.filter(({ name, outcome }) => outcome !== 'ok' && !busy.includes(name))).toEqual([]);
    expect(code).toBe(0);
    expect(of('kafka rights')?.found).toContain('no authorizer');
    expect(of('budget time zone')?.found).toContain('the first start pins it');

    const inWords = await runCli(environment(), 'doctor');
    expect(inWords.code).toBe(0);
    expect(inWords.stdout).toMatch(/^ok +configuration +every variable can be read\n/);
    expect(inWords.stdout).toMatch(/\n23 checks: 0 failed, (1 warning|[02-9] warnings)\n$/);
    // It pins nothing, and leaves nothing behind.
    expect(await database.query('select * from worker_settings')).toEqual([]);
  });

  it('says in one check what is wrong with the configuration', async () => {
    const { checks, text } = await findings(
      environment({ BUDGET_TIMEZONE: 'Mars/Olympus', DATABASE_URL: 'mysql://u:hush@h' }),
    );

    expect(checks).toHaveLength(1);
    expect(checks[0]).toMatchObject({ name: 'configuration', outcome: 'failed' });
    expect(checks[0]?.found).toMatch(/^DATABASE_URL must be .*; BUDGET_TIMEZONE must be an IANA time zone/);
    expect(text).not.toContain('hush');
  });

  it('refuses a word that it does not know', async () => {
    const { code, stderr } = await runCli({}, 'doctor', '--jsn');

    expect(code).toBe(2);
    expect(stderr).toMatch(/^doctor: unknown argument --jsn\n\nUsage:/);
  });

  it('names each server that is away, and what can be done without it', async () => {
    const away = environment({
      KAFKA_BROKERS: NOWHERE,
      DATABASE_URL: `postgresql://worker:hush-hush@${NOWHERE}/worker`,
      REDIS_URL: `redis://:hush-hush@${NOWHERE}`,
      SLACK_WEBHOOK_URL: `http://${NOWHERE.replace(':1', ':9')}/services/hush-hush`,
      SMTP_URL: `smtp://someone:hush-hush@${NOWHERE}`,
      ALERT_EMAIL_TO: 'ops@example.com',
    });
    const { checks, text } = await findings(away);

    expect(checks.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['configuration', 'ok'],
      ['kafka', 'failed'],
      ['postgres', 'failed'],
      ['redis', 'warning'],
      ['slack', 'failed'],
      ['e-mail', 'failed'],
    ]);
    for (const { found } of checks.slice(1)) expect(found).toMatch(/ECONNREFUSED|bad port|fetch failed/);
    expect(text).not.toContain('hush-hush');
  });

  it('comes back in half a minute where every server hangs', async () => {
    const port = await listen(hung);
    const began = performance.now();
    const { checks } = await findings({
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      DATABASE_URL: `postgresql://worker@127.0.0.1:${port}/worker`,
      REDIS_URL: `redis://127.0.0.1:${port}`,
      SLACK_WEBHOOK_URL: `http://127.0.0.1:${port}/services/x`,
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      ALERT_EMAIL_TO: 'ops@example.com',
    });

    expect(performance.now() - began).toBeLessThan(30_000);
    expect(checks.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['configuration', 'ok'],
      ['kafka', 'failed'],
      ['postgres', 'failed'],
      ['redis', 'warning'],
      ['slack', 'failed'],
      ['e-mail', 'failed'],
    ]);
    hung.close();
  });
});

describe('doctor, of the database', () => {
  const blank = useDatabase({ migrated: false });
  const role = () => new URL(database.workerUrl).username;

  /** As it is with `fault` in place, which `mend` takes away again. */
  async function withFault(fault: string, mend: string, look: () => Promise<void>): Promise<void> {
    await database.query(fault);
    try {
      await look();
    } finally {
      await database.query(mend);
    }
  }

  it('says that it is not migrated, and how to', async () => {
    const { of } = await findings(environment({ DATABASE_URL: blank.workerUrl }));

    expect(of('migrations')).toMatchObject({
      outcome: 'failed',
      found: 'the database is not migrated',
      remedy: 'npm run migrate',
    });
    expect(of('posting')).toBeUndefined();
  });

  it('names the migration that is missing', async () => {
    const name = 'FindDeadLettersByCause1795500000011';
    await withFault(
      `delete from migrations where name = '${name}'`,
      `insert into migrations (timestamp, name) values (1795500000011, '${name}')`,
      async () => {
        const { of } = await findings(environment());
        expect(of('migrations')).toMatchObject({ outcome: 'failed', found: `1 of 12 is missing: ${name}` });
      },
    );
  });

  it('says that the login is no member of worker', async () => {
    await withFault(`revoke worker from ${role()}`, `grant worker to ${role()}`, async () => {
      const { of } = await findings(environment());
      expect(of('login')).toMatchObject({ outcome: 'failed', remedy: `grant worker to ${role()}` });
    });
  });

  it('warns of a login that may do more than the Worker needs', async () => {
    const asOwner = await findings(environment({ DATABASE_URL: database.ownerUrl }));
    expect(asOwner.of('login')).toMatchObject({ outcome: 'warning' });
    expect(asOwner.of('login')?.found).toContain('is a superuser');

    await withFault(`grant billing to ${role()}`, `revoke billing from ${role()}`, async () => {
      const { of } = await findings(environment());
      expect(of('login')).toMatchObject({ outcome: 'warning' });
      expect(of('login')?.found).toContain('is a member of billing');
    });
  });

  it('says that it is read-only', async () => {
    await withFault(
      `alter role ${role()} set default_transaction_read_only = on`,
      `alter role ${role()} reset default_transaction_read_only`,
      async () => {
        const { of } = await findings(environment());
        expect(of('writes')).toMatchObject({ outcome: 'failed', found: 'the database is read-only' });
      },
    );
  });

  it.each(['ledger_post_v1', 'ledger_charge_v1'])('says that %s may not be called', async (name) => {
    await withFault(
      `revoke execute on function ${name} from worker`,
      `grant execute on function ${name} to worker`,
      async () => {
        const { of } = await findings(environment());
        expect(of('posting')).toMatchObject({
          outcome: 'failed',
          found: `the posting function ${name} may not be called by this login`,
        });
      },
    );
  });

  it('holds BUDGET_TIMEZONE to the zone that is pinned, with the words of the start', async () => {
    await withFault(
      "insert into worker_settings values ('budget_timezone', 'America/Lima')",
      'delete from worker_settings',
      async () => {
        const wrong = await findings(environment({ BUDGET_TIMEZONE: 'Asia/Seoul' }));
        expect(wrong.of('budget time zone')?.outcome).toBe('failed');
        expect(wrong.of('budget time zone')?.found).toContain('this database counts its days in "America/Lima"');
        const right = await findings(environment({ BUDGET_TIMEZONE: 'America/Lima' }));
        expect(right.of('budget time zone')?.outcome).toBe('ok');
      },
    );
  });

  /** Postgres lets the first schema of the path stand in for its own functions. */
  async function withStandIn(signature: string, body: string, look: () => Promise<void>): Promise<void> {
    await database.query(`create schema stand_in; grant usage on schema stand_in to ${role()}`);
    await database.query(`create function stand_in.${signature} language sql as $$ ${body} $$`);
    await withFault(
      `alter role ${role()} set search_path = stand_in, pg_catalog, public`,
      `alter role ${role()} reset search_path; drop schema stand_in cascade`,
      look,
    );
  }

  it.each([
    ['140019', '14.19', 'failed', 'Postgres 14.19 answers, which is too old'],
    ['150000', '15.0', 'ok', 'Postgres 15.0 answers'],
  ])('of version %s says how old it is', async (number, version, outcome, text) => {
    const setting = `select case $1 when 'server_version_num' then '${number}' when 'server_version' then '${version}'
                     else pg_catalog.current_setting($1) end`;
    await withStandIn('current_setting(text) returns text', setting, async () => {
      const { of } = await findings(environment());
      expect(of('postgres')).toMatchObject({ outcome, found: text });
      expect(of('postgres')?.remedy).toBe(outcome === 'ok' ? undefined : 'Postgres 15 or later');
    });
  });

  it.each([
    ['+', 'ahead of'],
    ['-', 'behind'],
  ])('warns of a clock that is %s 5 minutes', async (sign, words) => {
    const skewed = `select pg_catalog.clock_timestamp() ${sign} interval '5 minutes'`;
    await withStandIn('clock_timestamp() returns timestamptz', skewed, async () => {
      const { of } = await findings(environment());
      expect(of('clocks')).toMatchObject({ outcome: 'warning', remedy: 'keep both by NTP' });
      expect(of('clocks')?.found).toMatch(new RegExp(`^Postgres is (29\\d|30\\d)(\\.\\d+)? s ${words} this machine`));
    });
  });

  it.each(['role', 'database'])('warns where the limit of the %s leaves no room for a Worker', async (kind) => {
    const name = kind === 'role' ? role() : new URL(database.workerUrl).pathname.slice(1);
    const limit = `alter ${kind} ${name} connection limit`;
    await withFault(`${limit} 15`, `${limit} -1`, async () => {
      const { of, ok } = await findings(environment());
      expect(of('connections')).toMatchObject({ outcome: 'warning' });
      expect(of('connections')?.found).toMatch(
        new RegExp(`^\\d+ of 15 connections of the ${kind === 'role' ? 'login' : kind} are in use.* no more Worker`),
      );
      expect(of('connections')?.remedy).toContain(`${limit} …`);
      expect(ok).toBe(true);
    });
  });

  it('tells a month that is not made yet from one that cannot be made any more', async () => {
    const now = new Date();
    const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 2)).toISOString();
    await database.query(`drop table ad_balance_histories_${next.slice(0, 7).replace('-', '_')}`);

    const before = await findings(environment());
    expect(before.of('history partitions')).toMatchObject({ outcome: 'warning' });
    expect(before.of('history partitions')?.found).toBe(`there is none for ${next.slice(0, 7)}`);

    await database.query(
      `insert into ad_balance_histories (idempotency_key, advertiser_id, type, amount, balance_after, recorded_at, occurred_at)
       values ('early', 1, 'TOPUP', 1, 1, $1, $1)`,
      [next],
    );
    const after = await findings(environment());
    expect(after.of('history partitions')).toMatchObject({ outcome: 'warning' });
    expect(after.of('history partitions')?.found).toContain(`rows of ${next.slice(0, 7)} lie in the default partition`);
  });
});

describe('doctor, of Redis', () => {
  const client = () => new Redis(inject('world').env['REDIS_URL'] ?? '');

  it('names the keys that its user may not read', async () => {
    const redis = client();
    const url = new URL(inject('world').env['REDIS_URL'] ?? '');
    [url.username, url.password] = ['half-blind', 'hush-hush'];
    try {
      await redis.call('ACL', 'SETUSER', 'half-blind', 'on', '>hush-hush', '+get', '+mget', '~cpc:*');
      const half = await findings(environment({ REDIS_URL: url.href }));
      expect(half.of('redis')).toMatchObject({ outcome: 'warning' });
      expect(half.of('redis')?.found).toContain('may not read daily_budget:*, click-worker:probe');
      expect(half.ok).toBe(true);

      url.password = 'wrong-hush';
      const stranger = await findings(environment({ REDIS_URL: url.href }));
      expect(stranger.of('redis')?.found).toContain('WRONGPASS');
      expect(stranger.text).not.toContain('hush');
    } finally {
      await redis.call('ACL', 'DELUSER', 'half-blind');
      redis.disconnect();
    }
  });
});

describe('doctor, of the channels', () => {
  const mail = new MailServer();
  const asked: string[] = [];
  const slack = createHttpServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.writeHead(404).end();
  });
  let slackPort = 0;
  beforeAll(async () => {
    await mail.open();
    slackPort = await listen(slack);
  });
  afterAll(async () => {
    await mail.close();
    slack.closeAllConnections();
    slack.close();
  });

  it('asks Slack and the mail server, and sends nothing', async () => {
    const { of, text } = await findings(
      environment({
        SLACK_WEBHOOK_URL: `http://127.0.0.1:${slackPort}/services/hush-hush`,
        SMTP_URL: mail.url,
        ALERT_EMAIL_TO: 'ops@example.com',
      }),
    );

    expect(of('slack')?.outcome).toBe('ok');
    expect(of('e-mail')?.outcome).toBe('ok');
    expect(asked).toEqual(['HEAD /']);
    expect(mail.mails).toEqual([]);
    expect(text).not.toContain('hush');
  });

  it('says that the mail server refuses the login, without the password', async () => {
    mail.password = 'another';
    const { of, text } = await findings(environment({ SMTP_URL: mail.url, ALERT_EMAIL_TO: 'ops@example.com' }));

    expect(of('e-mail')?.outcome).toBe('failed');
    expect(of('e-mail')?.found).toContain('535');
    expect(text).not.toContain(MAIL_PASSWORD);
  });
});
