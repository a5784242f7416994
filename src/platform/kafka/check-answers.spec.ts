import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { checkAnswers } from './check-answers.js';

interface Connection {
  readonly socket: Socket;
  connect(): Promise<boolean>;
  disconnect(): Promise<boolean>;
}

const require = createRequire(import.meta.url);
const Connection = require('kafkajs/src/network/connection') as new (options: object) => Connection;
const createSocketFactory = require('kafkajs/src/network/socketFactory') as () => unknown;
const silent = { namespace: () => ({ debug: () => undefined, error: () => undefined }) };

it('a connection that is hung up again and again leaves nothing on its socket', async () => {
  checkAnswers();
  const socketFactory = createSocketFactory();
  const timeouts = { requestTimeout: 1_000, connectionTimeout: 1_000 };
  const connection = new Connection({ host: '127.0.0.1', port: 1, logger: silent, socketFactory, ...timeouts });

  await expect(connection.connect()).rejects.toThrow('ECONNREFUSED');
  const before = connection.socket.listenerCount('connect');
  for (let i = 0; i < 12; i++) await connection.disconnect();

  expect(connection.socket.listenerCount('connect')).toBe(before);
});
