import { createServer } from 'node:http';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const TOPIC = 'alert-events';
const CODES = ['UNKNOWN_PRICE', 'UNKNOWN_CAMPAIGN', 'INVALID_EVENT'];
const PORTIONS = 50;
const PORTION_EVERY_MS = 100;

/** A flood of alerts of three causes, and what stands in for Slack and counts the messages that come of it. */
export class Flood {
  messages = 0;
  #server = createServer((request, response) => {
    this.messages++;
    request.resume().on('end', () => response.end('ok'));
  });

  static async open() {
    const flood = new Flood();
    flood.#server.listen(0, '127.0.0.1');
    await once(flood.#server, 'listening');
    return flood;
  }

  /** For the Worker. */
  get env() {
    return { SLACK_WEBHOOK_URL: `http://127.0.0.1:${this.#server.address().port}/services/bench` };
  }

  /** Sends the alerts over five seconds. @param {import('./bed.mjs').Bed} bed @param {number} count */
  async send(bed, count) {
    const run = Date.now();
    for (let from = 0; from < count; from += count / PORTIONS) {
      const numbers = Array.from({ length: count / PORTIONS }, (_, i) => from + i);
      await bed.produce(
        numbers.map((n) => ({ key: `${n}`, value: JSON.stringify(alert(`flood-${run}-${n}`, n)) })),
        TOPIC,
      );
      await pause(PORTION_EVERY_MS);
    }
  }

  async close() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function alert(alertId, n) {
  const code = CODES[n % CODES.length];
  return {
    ...{ alertId, type: 'DEAD_LETTER', severity: 'warning', occurredAt: new Date().toISOString() },
    subject: { topic: 'ad-events' },
    message: `a record of ad-events is a dead letter: ${code}`,
    details: { code, message: code, partition: 0, offset: String(n), attempt: 1 },
  };
}
