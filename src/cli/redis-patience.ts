/** No click waits behind a command. */
export const REDIS_ANSWERS_WITHIN_MS = 2_000;
