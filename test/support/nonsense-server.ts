import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** The same numbers from the same seed: mulberry32. */
class Random {
  constructor(private state: number) {}

  below(most: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * most);
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
}

const API_VERSIONS = 18;
const HTTP = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** What it answers to a request of Kafka's protocol. */
export const NONSENSE = {
  'random bytes': (random: Random): Buffer => random.bytes(1 + random.below(4_096)),
  'in HTTP': (): Buffer => Buffer.from(HTTP),
  'nothing, in answers of no length': (): Buffer => Buffer.alloc(4),
  'in answers of a length below zero': (random: Random): Buffer => frame(-1 - random.below(100), random.bytes(100)),
  'random bytes in frames that look right': (random: Random, request: Buffer): Buffer =>
    answer(request, random.bytes(random.below(200))),
  'random bytes to all but the first question': (random: Random, request: Buffer): Buffer =>
    answer(request, request.readInt16BE(4) === API_VERSIONS ? everyApi() : random.bytes(random.below(200))),
} as const;

export type Nonsense = keyof typeof NONSENSE;

const frame = (length: number, content: Buffer): Buffer => {
  const header = Buffer.alloc(4);
  header.writeInt32BE(length);
  return Buffer.concat([header, content]);
};

/** With the number of the request that it answers. */
const answer = (request: Buffer, content: Buffer): Buffer =>
  frame(4 + content.length, Buffer.concat([request.subarray(8, 12), content]));

/** No error, and of each API the versions up to one that every client knows; no throttling. */
function everyApi(): Buffer {
  const apis = Array.from({ length: 50 }, (_, key) => [key >> 8, key & 255, 0, 0, 0, 1]).flat();
  return Buffer.from([0, 0, 0, 0, 0, 50, ...apis, 0, 0, 0, 0]);
}

/** Listens where a broker should, and answers nonsense, until it hands its connections to a real one. */
export class NonsenseServer {
  connections = 0;
  private broker: number | undefined;
  private readonly random: Random;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => {
    this.take(socket);
  });

  constructor(
    private readonly nonsense: Nonsense,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  async open(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on, who connects is connected with the broker on this port. */
  handOverTo(port: number): void {
    this.broker = port;
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    if (this.broker === undefined) {
      socket.on('data', (request) => socket.write(NONSENSE[this.nonsense](this.random, request)));
      return;
    }
    const broker = connect(this.broker, '127.0.0.1');
    broker.on('error', () => undefined);
    broker.on('close', () => socket.destroy());
    socket.on('close', () => broker.destroy());
    socket.pipe(broker).pipe(socket);
  }
}
