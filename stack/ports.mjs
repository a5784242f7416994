import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range from which Linux takes the near end of outgoing connections (32768 and up): a client that keeps trying
// a stopped server's port there sooner or later connects to itself, and the server cannot bind again.
const LOWEST = 16_000;
const HIGHEST = 32_000;

/** A loopback port nobody listens on right now. */
export async function freePort() {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await canListen(port)) return port;
  }
}

/** @param {number} port @returns {Promise<boolean>} */
function canListen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
