import type { DataSource } from 'typeorm';

/**
 * After a time-out TypeORM gives a connection back while its statement still runs; the next one to get it would wait for
 * that statement, on a stopped server for ever. Ending it before the pool looks makes the pool leave it out.
 */
export function endBusyConnections(database: DataSource): void {
  const { master } = database.driver as unknown as { master: Pool };
  master.on('release', (_error, client) => {
    if (client._activeQuery != null) void client.end().catch(() => undefined);
  });
}

/** The parts of node-postgres that its types leave out. */
interface Pool {
  on(event: 'release', listener: (error: unknown, client: PooledClient) => void): void;
}

interface PooledClient {
  readonly _activeQuery: unknown;
  end(): Promise<void>;
}
