import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fetchArtefacts } from './artefacts.mjs';
import { freePort } from './ports.mjs';
import { Server } from './server.mjs';
import { startOnFreePort } from './start-on-free-port.mjs';

/** @param {import('./context.mjs').StackContext} stack */
export async function startRedis(stack) {
  const { redisServer } = await fetchArtefacts(stack);
  const folder = join(stack.dataFolder, 'redis');
  mkdirSync(folder);
  return startOnFreePort(async () => {
    const port = await freePort();
    return new Server(
      {
        name: 'Redis',
        port,
        file: redisServer,
        args: [
          ...['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--save', '', '--appendonly', 'no'],
          ...['--set-proc-title', 'no'], // the title would be written over the environment, and with it the stack's mark
        ],
        folder,
        logFile: join(folder, 'redis.log'),
        stopSignal: 'SIGTERM',
        // Its own word on which process it is: another stack's Redis may have been quicker on this port.
        ready: async (pid) => (await askRedis(port, 'INFO server')).includes(`process_id:${pid}\r\n`),
      },
      stack,
    );
  });
}

/** @param {number} port @param {string} command @returns {Promise<string>} the answer's beginning */
export function askRedis(port, command) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.setTimeout(1_000, () => socket.destroy(new Error('Redis does not answer')));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString());
    });
  });
}
