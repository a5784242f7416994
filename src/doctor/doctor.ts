import { ConfigError, loadConfig, type Config } from '../config/config.js';
import type { DeclaredHandler } from '../platform/kafka/declared-handlers.js';
import { checkChannels } from './channel-checks.js';
import { failed, ok, type Check } from './check.js';
import { checkDatabase } from './database-checks.js';
import { checkKafka } from './kafka-checks.js';
import { checkRedis } from './redis-check.js';

/**
 * Whether all that the Worker needs is there, where this runs. Asks everybody at once, changes nothing anywhere, and comes
 * back within half a minute, whoever hangs. What stands on something that is away is left out.
 */
export async function examine(handlers: readonly DeclaredHandler[], env?: NodeJS.ProcessEnv): Promise<Check[]> {
  let config: Config;
  try {
    config = loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const faults = error.message.split('\n').join('; ');
    return [failed('configuration', faults, 'set it right (.env.example lists all variables), then ask again')];
  }
  const found = await Promise.all([
    checkKafka(config.kafka, handlers),
    checkDatabase(config),
    checkRedis(config.redisUrl),
    checkChannels(config.notifications),
  ]);
  return [ok('configuration', 'every variable can be read'), ...found.flat()];
}
