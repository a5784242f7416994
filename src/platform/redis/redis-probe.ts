import { Redis } from 'ioredis';
import { PROBE_KEY } from './redis-cache.service.js';

const ROUNDS = 3;
const CONNECT_TIMEOUT_MS = 3_000;

export interface RedisProbe {
  /** Patterns of keys that this user may not read. */
  readonly refused: readonly string[];
  readonly fastestMs: number;
}

/**
 * Reads as the Worker does, keys that need not be there.
 *
 * @throws the client's error where Redis is away or lets nobody of that name in
 */
export async function probeRedis(url: string): Promise<RedisProbe> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: () => null,
  });
  // Commands say only that the connection is closed; why, is said here.
  let reason: Error | undefined;
  client.on('error', (error: Error) => (reason = error));
  try {
    await client.connect();
    const refused: string[] = [];
    let fastestMs = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const askedAt = performance.now();
      const names = await refusedOf(client);
      fastestMs = Math.min(fastestMs, performance.now() - askedAt);
      if (round === 0) refused.push(...names);
    }
    return { refused, fastestMs };
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
}

async function refusedOf(client: Redis): Promise<string[]> {
  const asked = {
    'cpc:*': client.mget('cpc:1'),
    'daily_budget:*': client.mget('daily_budget:1'),
    [PROBE_KEY]: client.get(PROBE_KEY),
  };
  const names = Object.keys(asked);
  const answers = await Promise.allSettled(Object.values(asked));
  return answers.flatMap((answer, place) => {
    if (answer.status === 'fulfilled') return [];
    const reason = answer.reason as Error;
    if (reason.message.startsWith('NOPERM')) return [names[place] ?? ''];
    throw reason;
  });
}
