import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

const MAIL_USER = 'worker@example.com';
export const MAIL_PASSWORD = 'hush-hush:p@ssword';

/** A mail and whom it went to. */
export interface ReceivedMail {
  readonly to: readonly string[];
  readonly source: string;
  readonly mail: ParsedMail;
}

/** What a server says to a command: nothing (all is well), or a code and words. */
export type Refusal = readonly [code: number, words: string] | undefined;

interface MailTls {
  /** From the first byte (`smtps://`), else after STARTTLS. */
  readonly secure: boolean;
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** A real SMTP server on a port of its own, which keeps what it gets. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  password = MAIL_PASSWORD;
  onRecipient: Refusal;
  onData: Refusal;
  /** What happens between the last byte of a mail and the answer that it is accepted. */
  beforeAccepting: (mail: ReceivedMail) => Promise<unknown> = () => Promise.resolve();
  private server: SMTPServer | undefined;
  port = 0;

  /** @param tls how it is secured; plain without, since nobody trusts its certificate */
  constructor(private readonly tls?: MailTls) {}

  async open(): Promise<void> {
    const server = new SMTPServer({
      hideSTARTTLS: this.tls === undefined, // its own certificate is nobody's
      allowInsecureAuth: this.tls === undefined,
      ...this.tls,
      logger: false,
      onAuth: ({ username, password }, _session, done) => {
        if (username === MAIL_USER && password === this.password) done(null, { user: username });
        else done(refusal([535, `no such user ${username ?? ''} with ${password ?? ''}`]));
      },
      onRcptTo: (_address, _session, done) => {
        done(refusal(this.onRecipient));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const refused = refusal(this.onData);
          if (refused !== null) {
            done(refused);
            return;
          }
          const source = Buffer.concat(chunks);
          void simpleParser(source).then(async (mail) => {
            const to = session.envelope.rcptTo.map(({ address }) => address);
            const received = { to, source: source.toString(), mail };
            await this.beforeAccepting(received);
            this.mails.push(received);
            done();
          });
        });
      },
    });
    server.on('error', () => undefined); // a Worker that is killed hangs up
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server.server, 'listening');
    this.port = (server.server.address() as AddressInfo).port;
  }

  /** Nobody listens any more; `open` takes the same port again. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(resolve);
    });
  }

  get url(): string {
    return `${this.tls?.secure === true ? 'smtps' : 'smtp'}://${encodeURIComponent(MAIL_USER)}:${encodeURIComponent(MAIL_PASSWORD)}@127.0.0.1:${this.port}`;
  }

  with(text: string): ReceivedMail[] {
    return this.mails.filter(({ mail }) => `${mail.subject ?? ''}\n${mail.text ?? ''}`.includes(text));
  }
}

function refusal(said: Refusal): (Error & { responseCode: number }) | null {
  return said === undefined ? null : Object.assign(new Error(said[1]), { responseCode: said[0] });
}
