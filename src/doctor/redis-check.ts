import { probeRedis } from '../platform/redis/redis-probe.js';
import { ok, warning, within, type Check } from './check.js';

const ANSWER_WITHIN_MS = 5_000;
/** Where Redis is slower, the Worker goes to the database. */
const WORKER_WAITS_MS = 25;
const NAME = 'redis';

/** Never a failure: without Redis prices and budgets come from the database. */
export async function checkRedis(url: string): Promise<Check> {
  const without = 'until then prices and budgets come from the database';
  try {
    const { refused, fastestMs } = await within(ANSWER_WITHIN_MS, probeRedis(url));
    if (refused.length > 0) {
      return warning(
        NAME,
        `Redis answers, but this user may not read ${refused.join(', ')}`,
        `let it GET and MGET them (ACL SETUSER … +get +mget ~cpc:* ~daily_budget:* ~click-worker:probe); ${without}`,
      );
    }
    if (fastestMs > WORKER_WAITS_MS) {
      return warning(
        NAME,
        `Redis answers after ${Math.round(fastestMs)} ms, and the Worker waits ${WORKER_WAITS_MS} ms`,
        `look for a slow command or a long way to it; ${without}`,
      );
    }
    return ok(NAME, 'Redis answers, and prices and counters can be read');
  } catch (error) {
    return warning(NAME, `Redis cannot be asked: ${(error as Error).message}`, `look at REDIS_URL; ${without}`);
  }
}
