// Each alert reaches every channel once, whatever one of them does meanwhile. One Worker, whose hours pass in seconds.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { uniqueName } from '../support/fixtures.js';
import { MAIL_PASSWORD } from '../support/mail-server.js';
import { anAlert, useNotifications } from '../support/notifications.js';
import { hangs, hangsUp, ok, refuses } from '../support/slack-server.js';
import type { WorkerProcess } from '../support/worker-process.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

describe('an alert', () => {
  const notifications = useNotifications();
  const { own, slack, mail, clock } = notifications;
  let worker: WorkerProcess;

  beforeAll(async () => {
    worker = await notifications.readyWorker();
  });

  const metric = async (channel: string, status: string): Promise<number> => {
    const { body } = await worker.get('/metrics');
    const line = `worker_alert_deliveries_total{channel="${channel}",status="${status}"} `;
    return Number(
      body
        .split('\n')
        .find((each) => each.startsWith(line))
        ?.slice(line.length),
    );
  };

  it('is counted from 0 on', async () => {
    for (const channel of ['slack', 'email']) {
      for (const status of ['PENDING', 'DELIVERED', 'FAILED']) expect(await metric(channel, status)).toBe(0);
    }
  });

  it('reaches Slack and the mailbox once, however often it is raised', async () => {
    const alert = anAlert({
      type: 'CAMPAIGN_PAUSED',
      severity: 'critical',
      subject: { campaignId: '71', advertiserId: '72' },
    });

    await notifications.raise(alert, alert);
    await Promise.all(['slack', 'email'].map((channel) => notifications.became(channel, alert, 'DELIVERED')));
    await notifications.raise(alert);
    const next = anAlert();
    await notifications.raise(next);
    await Promise.all(['slack', 'email'].map((channel) => notifications.became(channel, next, 'DELIVERED')));

    const [message, ...others] = slack.with(alert.alertId);
    expect(others).toEqual([]);
    expect(message?.payload.text).toBe(':red_circle: Campaign paused: a record is dead');
    const [received, ...more] = mail.with(alert.alertId);
    expect(more).toEqual([]);
    expect(received?.to).toEqual(['on-call@example.com']);
    expect(received?.mail.subject).toBe('[critical] Campaign paused, campaign 71, advertiser 72');
    expect(received?.mail.from?.value).toEqual([{ name: 'Click Worker', address: 'worker@example.com' }]);
    expect(await notifications.delivery('slack', alert)).toMatchObject({ attempts: 1, last_error: null });
    expect(await metric('slack', 'DELIVERED')).toBe(2);
  });

  it('of a dead letter says the command that shows it', async () => {
    const [written] = await own.world.produce('ad-events', [{ value: 'no *JSON*' }]);
    const place = `ad-events:${written?.partition}:${written?.baseOffset}`;

    const command = `npm run cli -- dlq show ${place}`;
    await eventually('both channels tell of it', 30_000, () => {
      return slack.with(command).length === 1 && mail.with(place).length === 1;
    });
    const shown = await runCli(own.world.env, 'dlq', 'show', place);

    expect(mail.with(place)[0]?.mail.text).toContain(`Look at it: ${command}`);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('value, 9 bytes of text\n  no *JSON*\n');
  });

  it('is sent again for as long as Slack is down, while mails go out; then once', async () => {
    const alerts = [anAlert(), anAlert(), anAlert()] as const;
    slack.answer = refuses(503, 'down');

    await notifications.raise(...alerts);
    for (const alert of alerts) await notifications.became('email', alert, 'DELIVERED');
    for (const alert of alerts) await notifications.attempted('slack', alert, 1);
    for (let passed = 0; passed < HOUR_MS; passed += 10 * MINUTE_MS) {
      const before = slack.requests.length;
      clock.advance(10 * MINUTE_MS);
      await eventually('it is tried again', 20_000, () => slack.requests.length >= before + alerts.length);
    }
    const during = anAlert();
    await notifications.raise(during);
    await notifications.became('email', during, 'DELIVERED');
    expect(slack.with('a record is dead').filter(({ body }) => body.includes(during.alertId))).toEqual([]);

    slack.answer = ok;
    clock.advance(10 * MINUTE_MS);
    for (const alert of [...alerts, during]) {
      const delivery = await notifications.became('slack', alert, 'DELIVERED');
      expect(delivery.last_error).toBe('HTTP 503 down');
      expect(slack.with(alert.alertId)).toHaveLength(1);
      expect(mail.with(alert.alertId)).toHaveLength(1);
    }
    expect(worker.lines.map(({ msg }) => msg)).toContain('alerts get through again');
  }, 180_000);

  it('waits as long as Slack asks, with all others for Slack, and with none for the mailbox', async () => {
    const [first, second] = [anAlert(), anAlert()];
    slack.answer = refuses(429, 'rate_limited', { 'retry-after': '600' });

    await notifications.raise(first);
    await notifications.attempted('slack', first, 1);
    const before = slack.requests.length;
    slack.answer = ok;
    await notifications.raise(second);
    await notifications.became('email', second, 'DELIVERED');
    clock.advance(590 * SECOND_MS);
    const third = anAlert();
    await notifications.raise(third);
    await notifications.became('email', third, 'DELIVERED');

    expect(slack.requests).toHaveLength(before);
    clock.advance(20 * SECOND_MS);
    for (const alert of [first, second, third]) await notifications.became('slack', alert, 'DELIVERED');
    expect(slack.requests).toHaveLength(before + 3);
  }, 120_000);

  it.each([
    [400, 'invalid_payload'],
    [403, 'action_prohibited'],
    [404, 'no_service'],
    [410, 'channel_is_archived'],
  ])('fails at once when Slack answers %i %s', async (status, word) => {
    own.announced.push(/alerts were refused for good/);
    const alert = anAlert();
    slack.answer = refuses(status, word);

    await notifications.raise(alert);
    const delivery = await notifications.became('slack', alert, 'FAILED');
    slack.answer = ok;

    expect(delivery).toMatchObject({ attempts: 1, last_error: `HTTP ${status} ${word}`, delivered_at: null });
    await notifications.became('email', alert, 'DELIVERED');
  });

  it.each([
    ['closes the connection', hangsUp, /socket|closed|ECONNRESET|reset|terminated/i],
    ['answers 500', refuses(500, ''), /^HTTP 500$/],
    ['redirects', refuses(302, '', { location: 'http://127.0.0.1:1/' }), /^HTTP 302$/],
  ])('is sent again when Slack %s', async (_what, answer, reason) => {
    const alert = anAlert();
    slack.answer = answer;

    await notifications.raise(alert);
    await notifications.attempted('slack', alert, 1);
    slack.answer = ok;
    clock.advance(10 * MINUTE_MS);

    const delivery = await notifications.became('slack', alert, 'DELIVERED');
    expect(delivery.last_error).toMatch(reason);
    expect(slack.with(alert.alertId)).toHaveLength(1);
  });

  it('is sent again when nobody listens at Slack', async () => {
    const alert = anAlert();
    await slack.close();

    await notifications.raise(alert);
    await notifications.attempted('slack', alert, 1);
    await slack.open();
    clock.advance(10 * MINUTE_MS);

    const delivery = await notifications.became('slack', alert, 'DELIVERED');
    expect(delivery.last_error).toMatch(/ECONNREFUSED/);
  });

  it('does not wait in the mailbox, nor behind others, while Slack hangs', async () => {
    const hung = anAlert();
    slack.answer = hangs;
    await notifications.raise(hung);
    await eventually('Slack was asked', 20_000, () => slack.requests.some(({ body }) => body.includes(hung.alertId)));

    slack.answer = ok;
    const next = anAlert();
    await notifications.raise(next);
    await notifications.became('email', hung, 'DELIVERED');
    await notifications.became('slack', next, 'DELIVERED');

    expect(await notifications.delivery('slack', hung)).toMatchObject({ status: 'PENDING', last_error: null });
    const lateOnes = await notifications.became('slack', hung, 'DELIVERED', 40_000);
    expect(lateOnes.last_error).toBe('no answer within 10 s');
  }, 90_000);

  it('is given up after 24 hours', async () => {
    own.announced.push(/alerts were given up after 24 hours/);
    const alert = anAlert();
    slack.answer = refuses(500, '');
    await notifications.raise(alert);
    await notifications.attempted('slack', alert, 1);

    clock.advance(23 * HOUR_MS);
    await notifications.attempted('slack', alert, 2);
    expect(await notifications.delivery('slack', alert)).toMatchObject({ status: 'PENDING' });
    clock.advance(HOUR_MS + MINUTE_MS);
    const delivery = await notifications.became('slack', alert, 'FAILED');
    slack.answer = ok;

    expect(delivery).toMatchObject({ last_error: 'HTTP 500', delivered_at: null });
    await notifications.became('email', alert, 'DELIVERED');
  }, 90_000);

  it('is sent again when the mail server defers it, and fails when it refuses it', async () => {
    own.announced.push(/alerts were refused for good/);
    const [deferred, refused, unreadable] = [anAlert(), anAlert(), anAlert()];

    mail.onRecipient = [450, 'greylisted'];
    await notifications.raise(deferred);
    await notifications.attempted('email', deferred, 1);
    mail.onRecipient = [550, 'no such mailbox'];
    await notifications.raise(refused);
    const failed = await notifications.became('email', refused, 'FAILED');
    mail.onRecipient = undefined;
    mail.onData = [554, 'spam'];
    await notifications.raise(unreadable);
    await notifications.became('email', unreadable, 'FAILED');
    mail.onData = undefined;
    clock.advance(10 * MINUTE_MS);
    await notifications.became('email', deferred, 'DELIVERED');

    expect(failed.last_error).toMatch(/550.*no such mailbox/);
    for (const alert of [deferred, refused, unreadable]) await notifications.became('slack', alert, 'DELIVERED');
    expect(mail.with(deferred.alertId)).toHaveLength(1);
  }, 90_000);

  it('is sent again when nobody listens at the mail server, and when its password is wrong', async () => {
    const [unheard, unknown] = [anAlert(), anAlert()];

    await mail.close();
    await notifications.raise(unheard);
    await notifications.attempted('email', unheard, 1);
    await mail.open();
    mail.password = 'another';
    await notifications.raise(unknown);
    await notifications.attempted('email', unknown, 1);
    const tried = await notifications.delivery('email', unknown);
    mail.password = MAIL_PASSWORD;
    clock.advance(10 * MINUTE_MS);
    for (const alert of [unheard, unknown]) await notifications.became('email', alert, 'DELIVERED');

    expect(tried?.last_error).toMatch(/535/);
    expect(tried?.last_error).not.toContain(MAIL_PASSWORD);
  }, 90_000);

  it('is sent again when the mail server takes the connection and never greets, and holds up no other', async () => {
    const [first, second] = [anAlert(), anAlert()];
    await mail.close();
    const mute = createServer((socket) => socket.on('error', () => undefined));
    mute.listen(mail.port, '127.0.0.1');
    await once(mute, 'listening');

    await notifications.raise(first, second);
    for (const alert of [first, second]) await notifications.became('slack', alert, 'DELIVERED');
    for (const alert of [first, second]) await notifications.attempted('email', alert, 1);
    mute.close();
    await mail.open();
    clock.advance(10 * MINUTE_MS);

    for (const alert of [first, second]) {
      const delivery = await notifications.became('email', alert, 'DELIVERED');
      expect(delivery.last_error).toMatch(/greeting/i);
    }
  }, 90_000);

  it('harms nobody, whatever stands in it', async () => {
    const text = `<!channel> <@U1> <https://evil.example|x> <script>alert(1)</script> \r\nBcc: all@example.com\r\n\r\n.\r\n \u0000 😀 ${'y'.repeat(100_000)}`;
    const marker = uniqueName('marker');
    const alert = anAlert({
      alertId: `${marker}\r\nBcc: all@example.com`,
      subject: { topic: text, campaignId: text, advertiserId: text },
      message: text.replaceAll('\0', ''),
      details: { code: text, message: text, 'a\0b': { deep: [text] }, many: 'x'.repeat(100_000) },
    });

    await notifications.raise(alert);
    for (const channel of ['slack', 'email']) await notifications.became(channel, alert, 'DELIVERED');

    const [message] = slack.with(marker);
    expect(message?.body).not.toMatch(/<!channel>|<@U1>|<https|<script/);
    expect(message?.body).toContain('&lt;!channel&gt;');
    const received = mail.mails.find(({ source }) => source.includes('script'));
    expect(received?.to).toEqual(['on-call@example.com']);
    expect(received?.mail.headers.has('bcc')).toBe(false);
    expect(received?.mail.html).toContain('&lt;script&gt;');
    expect(received?.mail.html).not.toContain('<script');
    expect(received?.mail.text).toContain('😀');
  });

  it('that is none goes to the dead letters, and what follows is sent', async () => {
    const marker = uniqueName('wrong');
    const good = anAlert();
    const wrong = [
      { ...anAlert(), type: 'PARTY', message: marker },
      { ...anAlert({ message: marker }), alertId: '' },
    ];

    await notifications.raise(...wrong.map((each) => JSON.stringify(each)), `not JSON ${marker}`, good);
    await notifications.became('slack', good, 'DELIVERED');

    const letters = await own.world.deadLetters('alert-events', ({ value }) => String(value).includes(marker));
    expect(letters.map(({ headers }) => String(headers['dlq-error-code'])).toSorted()).toEqual([
      'INVALID_EVENT',
      'INVALID_EVENT',
      'INVALID_JSON',
    ]);
  });

  it('leaves no secret in the log, and no text of its own', () => {
    const said = [...worker.lines.map((line) => JSON.stringify(line)), ...worker.words].join('\n');

    expect(said).not.toContain('hush');
    expect(said).not.toContain('a record is dead');
    expect(said).toContain('alerts do not get through');
  });

  it('stays stored when the Worker stops while Slack hangs; the stop takes no longer for it', async () => {
    const alert = anAlert();
    slack.answer = hangs;
    await notifications.raise(alert);
    await eventually('Slack was asked', 20_000, () => slack.requests.some(({ body }) => body.includes(alert.alertId)));

    expect(await own.stopWorker(worker)).toBe(0);
    expect(await notifications.delivery('slack', alert)).toMatchObject({ status: 'PENDING', attempts: 1 });

    slack.answer = ok;
    worker = await notifications.readyWorker();
    await notifications.became('slack', alert, 'DELIVERED');
  }, 120_000);

  it('is settled and not stored where no channel is configured', async () => {
    expect(await own.stopWorker(worker)).toBe(0);
    worker = await notifications.readyWorker({});
    const alert = anAlert();

    await notifications.raise(alert);

    expect(await notifications.delivery('slack', alert)).toBeUndefined();
    expect(worker.lines.filter(({ msg }) => msg.startsWith('no channel is configured'))).toHaveLength(1);
  }, 90_000);
});
