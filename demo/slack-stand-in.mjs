import { once } from 'node:events';
import { createServer } from 'node:http';

/** Takes what the Worker would post to Slack's incoming webhook, and says what Slack says. */
export class SlackStandIn {
  /** The `text` of each message. @type {string[]} */
  texts = [];
  #server;

  async open() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/services/demo`;
  }

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async #answer(request, response) {
    const chunks = await request.toArray();
    this.texts.push(JSON.parse(Buffer.concat(chunks).toString()).text);
    response.end('ok');
  }
}
