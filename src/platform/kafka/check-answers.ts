import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import kafkajs from 'kafkajs';

/** What kafkajs has of a connection to a broker, as far as it matters here. */
interface Connection {
  readonly broker: string;
  readonly versions: unknown;
  /** Somebody logs in without frames: the way of brokers before 1.0. */
  readonly authHandlers: { onError(): void } | null;
  readonly socket: Socket | undefined;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect: (this: Connection) => Promise<boolean>;
  disconnect(): Promise<boolean>;
  processData: (this: Connection, data: Buffer) => void;
  rejectRequests(error: Error): void;
  send: (this: Connection, question: Question) => Promise<unknown>;
}

interface Question {
  readonly request: { readonly apiKey: number };
  readonly response: { readonly decode: (payload: unknown) => Promise<unknown> };
}

const LENGTH_BYTES = 4;
/** An answer begins with the number of its request. */
const SHORTEST = 4;
/** The first question is for the versions that a broker knows, some hundred bytes. */
const LONGEST_FIRST = 64 * 1024;
/** Beyond what any broker is set up for, and below what TLS and texts look like that are taken for a length. */
const LONGEST = 256 * 1024 * 1024;
const FETCH = 1;

const require = createRequire(import.meta.url); // the file has no types to import it with
const { prototype } = require('kafkajs/src/network/connection') as { prototype: Connection };

/** Whoever listens there, it is no broker, or one that is not asked as it wants to be. Passes like any outage. */
export class NoKafkaError extends kafkajs.KafkaJSConnectionError {
  constructor({ broker }: Pick<Connection, 'broker'>) {
    super(`${broker} gives no answer of Kafka's protocol: look at KAFKA_BROKERS and KAFKA_SSL`, { broker });
  }
}

/**
 * kafkajs believes what it reads: of bytes that no broker sends it throws where nobody catches, waits for gigabytes, or takes
 * the error for one of its own. Here such a connection is closed, and all who wait for it are told.
 */
export function checkAnswers(): void {
  const { connect, processData, send } = prototype;
  prototype.connect = function () {
    if (this.isConnected()) return connect.call(this);
    // What the last socket left unfinished is none of the next one's.
    Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: LENGTH_BYTES });
    const connecting = connect.call(this);
    if (this.socket !== undefined) unrefWhileThere(this.socket);
    return connecting;
  };
  prototype.processData = function (data) {
    try {
      if (this.authHandlers === null) checkLengths(this, data);
      processData.call(this, data);
    } catch {
      hangUp(this);
    }
  };
  prototype.send = function (question) {
    // A record that cannot be read is not the broker's fault.
    return send.call(
      this,
      question.request.apiKey === FETCH ? question : { ...question, response: readable(this, question) },
    );
  };
}

/** kafkajs hangs up on a socket that is gone as often as it is asked to: each time a listener more would wait there, which Node warns of. */
function unrefWhileThere(socket: Socket): void {
  const unref = socket.unref.bind(socket);
  socket.unref = () => (socket.destroyed ? socket : unref());
}

/** @throws NoKafkaError where an answer that begins in `data` has a length that none has */
function checkLengths(connection: Connection, data: Buffer): void {
  const { bytesBuffered, bytesNeeded, chunks, versions } = connection;
  const isWithin = bytesBuffered >= LENGTH_BYTES;
  const bytes = isWithin || bytesBuffered === 0 ? data : Buffer.concat([...chunks, data]);
  const longest = versions === null ? LONGEST_FIRST : LONGEST;
  for (let at = isWithin ? bytesNeeded - bytesBuffered : 0; at + LENGTH_BYTES <= bytes.length;) {
    const length = bytes.readInt32BE(at);
    if (length < SHORTEST || length > longest) throw new NoKafkaError(connection);
    at += LENGTH_BYTES + length;
  }
}

function hangUp(connection: Connection): void {
  connection.socket?.destroy();
  connection.authHandlers?.onError();
  connection.rejectRequests(new NoKafkaError(connection));
  connection.disconnect().catch(() => undefined);
}

function readable(connection: Connection, { response }: Question): Question['response'] {
  return {
    ...response,
    decode: async (payload) => {
      try {
        return await response.decode(payload);
      } catch (error) {
        throw error instanceof kafkajs.KafkaJSError ? error : new NoKafkaError(connection);
      }
    },
  };
}
