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

/** A real SMTP server on a port of its own, which keeps what it gets. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  password = MAIL_PASSWORD;
  onRecipient: Refusal;
  onData: Refusal;
  private server: SMTPServer | undefined;
  port = 0;

  async open(): Promise<void> {
    const server = new SMTPServer({
      hideSTARTTLS: true, // its certificate is nobody's
      allowInsecureAuth: true,
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
          void simpleParser(source).then((mail) => {
            const to = session.envelope.rcptTo.map(({ address }) => address);
            this.mails.push({ to, source: source.toString(), mail });
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
    return `smtp://${encodeURIComponent(MAIL_USER)}:${encodeURIComponent(MAIL_PASSWORD)}@127.0.0.1:${this.port}`;
  }

  with(text: string): ReceivedMail[] {
    return this.mails.filter(({ mail }) => `${mail.subject ?? ''}\n${mail.text ?? ''}`.includes(text));
  }
}

function refusal(said: Refusal): (Error & { responseCode: number }) | null {
  return said === undefined ? null : Object.assign(new Error(said[1]), { responseCode: said[0] });
}
