import { Logger } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { emailFailure } from './email-failure.js';
import { emailContent } from './email-message.js';
import { NotificationChannel, type Message } from './notification-channel.js';
import { withoutSecrets } from './secrets.js';

/** A server that is there greets at once; some hold an unknown client back for a few seconds. */
const TIMEOUTS = { connectionTimeout: 5_000, greetingTimeout: 8_000, socketTimeout: 8_000, dnsTimeout: 5_000 } as const;
const SENDER_NAME = 'Click Worker';

export interface EmailOptions {
  /** `smtp://` or `smtps://`, with user and password where the server wants them. */
  readonly smtpUrl: string;
  /** Addresses, at least one. */
  readonly to: readonly string[];
  readonly from: string;
}

/** Mails to a list of people, through an SMTP server. A connection a mail: grouping keeps them few. */
export class EmailChannel extends NotificationChannel {
  override readonly name = 'email';
  private readonly logger = new Logger(EmailChannel.name);
  private readonly transporter: Transporter;
  private readonly secrets: readonly string[];

  constructor(private readonly options: EmailOptions) {
    super();
    this.transporter = createTransport({
      url: options.smtpUrl,
      ...TIMEOUTS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    this.secrets = secretsOf(options.smtpUrl);
  }

  override async send(message: Message, signal: AbortSignal): Promise<void> {
    const { subject, text, html, id } = emailContent(message);
    const { from, to } = this.options;
    try {
      const { rejected = [] } = await this.transporter.sendMail({
        from: from.includes('<') ? from : { name: SENDER_NAME, address: from },
        to: [...to],
        subject,
        text,
        html,
        messageId: `<${id}@click-worker>`,
        headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no holiday notice answers it
        signal,
      });
      // The others have it: sending again would reach them twice.
      if (rejected.length > 0)
        this.logger.warn({ msg: 'some recipients of alerts were refused', refused: rejected.length });
    } catch (error) {
      throw emailFailure(error, (said) => withoutSecrets(said, this.secrets));
    }
  }

  /**
   * Logs in, and sends nothing.
   *
   * @throws DeliveryError that says why not
   */
  async verify(): Promise<void> {
    try {
      await this.transporter.verify();
    } catch (error) {
      throw emailFailure(error, (said) => withoutSecrets(said, this.secrets));
    }
  }

  override close(): void {
    this.transporter.close();
  }
}

/** The password in every form in which a server may say it again. */
function secretsOf(smtpUrl: string): string[] {
  const { href, username, password } = new URL(smtpUrl);
  if (password === '') return [smtpUrl, href];
  const plain = decoded(password);
  const inBase64 = [plain, `\0${decoded(username)}\0${plain}`].map((text) => Buffer.from(text).toString('base64'));
  return [smtpUrl, href, password, plain, ...inBase64];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
