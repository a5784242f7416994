import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { once } from './artefacts.mjs';
import { cacheFolder } from './places.mjs';
import { askPostgres, createAppUser, createDatabase, SUPERUSER } from './postgres-client.mjs';
import { canRun, postgresPackage, postgresUser } from './postgres-package.mjs';
import { freePort } from './ports.mjs';
import { Server } from './server.mjs';
import { startOnFreePort } from './start-on-free-port.mjs';

/**
 * Starts Postgres with an empty database `worker`, and the login role of the Worker, which has no rights yet.
 *
 * @param {import('./context.mjs').StackContext} stack
 */
export async function startPostgres(stack) {
  const { native, version } = postgresPackage(stack.postgresLine);
  const user = postgresUser();
  const folder = join(stack.dataFolder, 'postgres');
  mkdirSync(folder);
  const binaries = canRun(native, user) ? native : await copyWithinReach(native, { user, folder, run: stack.run });
  const cluster = join(folder, 'data');
  await layCluster({ cluster, binaries, user, version }, stack);

  const server = await startOnFreePort(async () => {
    const port = await freePort();
    return new Server(
      {
        name: 'Postgres',
        port,
        file: join(binaries, 'bin', 'postgres'),
        args: ['-D', cluster, ...settings(port, stack.postgresSettings)],
        folder: cluster,
        logFile: join(folder, 'postgres.log'),
        user,
        stopSignal: 'SIGINT', // "fast": SIGTERM would wait for the clients to leave
        quitSignal: 'SIGQUIT', // after SIGKILL its System V shared memory would stay until the machine restarts
        ready: async () => {
          const [row] = await askPostgres(port, 'postgres', 'show data_directory');
          return row.data_directory === cluster; // not another stack's Postgres, quicker on this port
        },
      },
      stack,
    );
  });
  await createDatabase(server.port);
  await createAppUser(server.port);
  return server;
}

/** @param {number} port @param {Record<string, string>} more */
function settings(port, more) {
  const all = {
    listen_addresses: '127.0.0.1',
    port: `${port}`,
    unix_socket_directories: '',
    max_connections: '100',
    dynamic_shared_memory_type: 'mmap', // in the data folder, which is removed; /dev/shm would keep it after a SIGKILL
    ...more,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** `initdb` once, then copies: a tenth of the time. */
async function layCluster({ cluster, binaries, user, version }, { log, run }) {
  const template = join(cacheFolder(), `postgres-${version}`);
  if (!existsSync(template)) {
    await once('postgres-cluster', template, log, async (into) => {
      const made = `${cluster}-template`;
      mkdirSync(made, { mode: 0o700 });
      await giveTo(user, made, run);
      const options = ['-A', 'trust', '-U', SUPERUSER, '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'];
      await run(join(binaries, 'bin', 'initdb'), ['-D', made, ...options], { ...user, cwd: '/' });
      await run('cp', ['-R', `${made}/.`, into]);
    });
  }
  mkdirSync(cluster, { mode: 0o700 });
  await run('cp', ['-R', `${template}/.`, cluster]);
  await giveTo(user, cluster, run);
}

/** As root: the project may lie where Postgres's user cannot go, such as below /root. */
async function copyWithinReach(native, { user, folder, run }) {
  const copy = join(folder, 'native');
  await run('cp', ['-R', native, copy]);
  if (canRun(copy, user)) return copy;
  const who = user ? `the user ${user.name}, as whom it runs since root may not` : 'this user';
  throw new Error(`Postgres cannot be run by ${who}, from ${native} or ${copy}: set TMPDIR to a folder open to all`);
}

async function giveTo(user, folder, run) {
  if (user) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
}
