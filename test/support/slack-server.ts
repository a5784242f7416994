import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SlackRequest {
  readonly at: number;
  /** The body as it came. */
  readonly body: string;
  readonly payload: { readonly text: string; readonly blocks: readonly object[] };
}

/** How a request is answered; by default as Slack does when all is well. */
export type SlackAnswer = (response: ServerResponse, request: IncomingMessage) => void;

export const ok: SlackAnswer = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('ok');

/** As Slack documents it: a status, a word, and for 429 how long to wait. */
export const refuses =
  (status: number, word: string, headers: Record<string, string> = {}): SlackAnswer =>
  (response) =>
    response.writeHead(status, headers).end(word);

export const hangs: SlackAnswer = () => undefined;

export const hangsUp: SlackAnswer = (_response, request) => request.socket.destroy();

/** Takes what an incoming webhook takes, on a port of its own, and remembers it. */
export class SlackServer {
  /** All that came, and what of it was answered with 200. */
  readonly requests: SlackRequest[] = [];
  readonly accepted: SlackRequest[] = [];
  answer: SlackAnswer = ok;
  /** Secret: part of the URL that no log may show. */
  readonly path = '/services/T0000/B0000/hush-hush-webhook';
  private readonly server: Server = createServer((request, response) => void this.take(request, response));
  private port = 0;

  async open(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Nobody listens any more; `open` takes the same port again. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}${this.path}`;
  }

  /** Messages that were accepted and have this text somewhere. */
  with(text: string): SlackRequest[] {
    return this.accepted.filter(({ body }) => body.includes(text));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const taken = { at: Date.now(), body, payload: JSON.parse(body) as SlackRequest['payload'] };
    this.requests.push(taken);
    response.once('finish', () => {
      if (response.statusCode === 200) this.accepted.push(taken);
    });
    this.answer(response, request);
  }
}
