import type { Config } from '../config/config.js';
import { EmailChannel } from '../notification/email-channel.js';
import { SlackChannel } from '../notification/slack-channel.js';
import { Clock } from '../platform/clock.js';
import { failed, ok, within, type Check } from './check.js';

/** Above the channels' own limits. */
const ANSWER_WITHIN_MS = 22_000;
const MEANWHILE = 'alerts are tried again for 24 hours';

/** Whether alerts would get out. Nothing is sent. */
export async function checkChannels({ slackWebhookUrl, email }: Config['notifications']): Promise<Check[]> {
  if (slackWebhookUrl === undefined && email === undefined) {
    return [ok('alerts', 'neither Slack nor e-mail is configured: alerts stay on alert-events')];
  }
  return Promise.all([
    ...(slackWebhookUrl === undefined ? [] : [checkSlack(slackWebhookUrl)]),
    ...(email === undefined ? [] : [checkEmail(email)]),
  ]);
}

async function checkSlack(url: string): Promise<Check> {
  const channel = new SlackChannel(url, new Clock());
  try {
    await within(ANSWER_WITHIN_MS, channel.reach());
    return ok('slack', 'its server answers; whether the webhook is valid only a message would tell');
  } catch (error) {
    const found = `its server cannot be reached: ${(error as Error).message}`;
    return failed('slack', found, `look at SLACK_WEBHOOK_URL and the way out of this network; ${MEANWHILE}`);
  }
}

async function checkEmail(email: NonNullable<Config['notifications']['email']>): Promise<Check> {
  const channel = new EmailChannel(email);
  try {
    await within(ANSWER_WITHIN_MS, channel.verify());
    return ok('e-mail', 'the SMTP server answers, and lets the user in where there is one');
  } catch (error) {
    const found = `the SMTP server cannot be used: ${(error as Error).message}`;
    return failed('e-mail', found, `look at SMTP_URL; ${MEANWHILE}`);
  } finally {
    channel.close();
  }
}
