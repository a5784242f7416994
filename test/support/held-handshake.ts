import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface HeldHandshake {
  readonly port: number;
  /** Resolves when the client has said hello to the server. */
  readonly helloCame: Promise<unknown>;
  readonly closed: Promise<unknown>;
}

/**
 * Before the TLS server at `target`, for one client: what the server answers to the hello, and to the goodbye after it, comes
 * at once and in one piece.
 */
export async function holdBackHandshake(target: number): Promise<HeldHandshake> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
  const client = once(server, 'connection').then((args) => {
    server.close();
    const near = args[0] as Socket;
    near.pipe(far);
    const answers: Buffer[] = [];
    far.on('data', (answer) => answers.push(answer));
    far.once('end', () => near.end(Buffer.concat(answers)));
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    return near;
  });
  return {
    port: (server.address() as AddressInfo).port,
    helloCame: client.then((near) => once(near, 'data')),
    closed: client.then((near) => once(near, 'close')),
  };
}
