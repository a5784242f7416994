import type { Clock } from '../platform/clock.js';
import { DeliveryError } from './delivery-error.js';
import { NotificationChannel, type Message } from './notification-channel.js';
import { withoutSecrets } from './secrets.js';
import { slackFailure, type WebhookAnswer } from './slack-answer.js';
import { slackPayload } from './slack-message.js';

/** Slack answers within a second or two; a connection that is never answered must not hold its place for longer. */
const ANSWER_WITHIN_MS = 10_000;
/** Of the answer; Slack's own are a word. */
const MOST_BODY_CHARS = 200;

/** A Slack channel, through an incoming webhook. */
export class SlackChannel extends NotificationChannel {
  override readonly name = 'slack';
  /** The path of a webhook is its password. */
  private readonly secrets: readonly string[];

  constructor(
    private readonly webhookUrl: string,
    private readonly clock: Clock,
  ) {
    super();
    const { href, pathname, search } = new URL(webhookUrl);
    const path = pathname + search;
    this.secrets = [webhookUrl, href, ...(path === '/' ? [] : [path])];
  }

  override async send(message: Message, signal: AbortSignal): Promise<void> {
    const failure = slackFailure(await this.post(JSON.stringify(slackPayload(message)), signal), this.clock.now());
    if (failure !== undefined) throw failure;
  }

  /**
   * Asks the webhook's server for its front page, which posts nothing: any answer will do.
   *
   * @throws DeliveryError when there is none
   */
  async reach(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await fetch(new URL('/', this.webhookUrl), { method: 'HEAD', redirect: 'manual', signal });
      await response.body?.cancel();
    } catch (error) {
      throw DeliveryError.transient(withoutSecrets(networkReason(error), this.secrets));
    }
  }

  private async post(body: string, signal: AbortSignal): Promise<WebhookAnswer> {
    try {
      const response = await fetch(this.webhookUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body,
        redirect: 'manual', // a webhook does not move: whoever redirects is not Slack
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      return {
        status: response.status,
        body: withoutSecrets(await firstOf(response), this.secrets),
        retryAfter: response.headers.get('retry-after'),
        date: response.headers.get('date'),
      };
    } catch (error) {
      throw DeliveryError.transient(withoutSecrets(networkReason(error), this.secrets));
    }
  }
}

/** No more than is looked at. Its status was the answer: a body that breaks off does not make a message unsent. */
async function firstOf(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    // Leaving the loop cancels the rest.
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.length >= MOST_BODY_CHARS) break;
    }
  } catch {
    // What came before it broke is enough.
  }
  return text.slice(0, MOST_BODY_CHARS);
}

/** fetch says "fetch failed" and hides the reason in its cause. */
function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_WITHIN_MS / 1_000} s`;
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return networkReason(cause.errors[0]);
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
