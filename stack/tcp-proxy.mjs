import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** No reply of any protocol that passes here. */
const GARBAGE = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n\xff\xfe', 'latin1');

/** The network between clients and one server: slow, silent as if the server were stopped, cut, or another than it says. */
export class TcpProxy {
  #server;
  #sockets = new Set();
  #target;
  #delayMs = 0;
  #silent = false;
  #cut = false;
  #garbled = false;

  /** @param {{ port: number, host?: string, delayMs?: number }} target `delayMs` as in `delay` */
  static async open({ port, host = '127.0.0.1', delayMs = 0 }) {
    const proxy = new TcpProxy();
    proxy.#target = { port, host };
    proxy.#delayMs = delayMs;
    proxy.#server = createServer((near) => proxy.#take(near));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port() {
    return this.#server.address().port;
  }

  /** @param {number} ms of each way; 0 is as usual */
  delay(ms) {
    this.#delayMs = ms;
  }

  /** Connections stay open, nothing comes through. */
  silence() {
    this.#silent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Ends all connections; new ones are ended at once. */
  cut() {
    this.#cut = true;
    this.#destroyAll();
  }

  /** Whatever the server answers, clients read something else. */
  garble() {
    this.#garbled = true;
  }

  /** All is as usual again. Who has read garbage does not know where in its conversation it is. */
  mend() {
    if (this.#garbled) this.#destroyAll();
    [this.#delayMs, this.#silent, this.#cut, this.#garbled] = [0, false, false, false];
    for (const socket of this.#sockets) socket.resume();
  }

  async close() {
    this.#destroyAll();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(near) {
    near.on('error', () => {});
    if (this.#cut) return near.destroy();
    const far = connect(this.#target);
    this.#pass(near, far, (chunk) => chunk);
    this.#pass(far, near, (chunk) => (this.#garbled ? GARBAGE : chunk));
  }

  /** In order, however the delay changes meanwhile. */
  #pass(from, to, heard) {
    let passed = Promise.resolve();
    this.#sockets.add(from);
    from.on('data', (chunk) => {
      const due = Date.now() + this.#delayMs;
      passed = passed.then(async () => {
        if (due > Date.now()) await pause(due - Date.now());
        if (!to.destroyed) to.write(heard(chunk));
      });
    });
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      void passed.then(() => to.destroy());
    });
    if (this.#silent) from.pause();
  }

  #destroyAll() {
    for (const socket of this.#sockets) socket.destroy();
  }
}
