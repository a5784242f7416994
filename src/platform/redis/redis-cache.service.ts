import type { Socket } from 'node:net';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';

export const REDIS_URL = Symbol('REDIS_URL');

/** The longest that a click waits for Redis. */
const CLICK_WAITS_MS = 25;
/** A command may: no click waits behind it. */
const COMMAND_WAITS_MS = 2_000;
/** So long nothing has come of what was asked: the connection is given up. */
const SILENT_FOR_MS = 500;
/** So often Redis is asked whether it is there, so that health tells it without a click too; nobody waits for that. */
const PROBE_EVERY_MS = 500;
const RECONNECT_MAX_MS = 1_000;
export const PROBE_KEY = 'click-worker:probe';

/** What Redis says of a key: its value, null where there is none, undefined (or not there) while Redis cannot be asked. */
export type Cached = string | null | undefined;

/**
 * Reads from Redis, and only reads: nothing but GET and MGET leaves the Worker. Never fails and never holds anybody up:
 * after the first answer that is late or missing it has no answers at all, until Redis has answered a probe in time.
 */
@Injectable()
export class RedisCacheService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RedisCacheService.name);
  private readonly client: Redis;
  private answerWithinMs = CLICK_WAITS_MS;
  private up = false;
  /** The last reason why not, where there was one: a refused login, say. */
  private fault: string | undefined;
  private probeTimer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(@Inject(REDIS_URL) url: string) {
    this.client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: 1_000,
      // A hung server answers nothing and closes nothing; without this the queue of its connection only grows.
      socketTimeout: SILENT_FOR_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: (times) => Math.min(RECONNECT_MAX_MS, times * 100),
      // A user that may only GET and MGET is enough: no INFO at the start, no CLIENT SETINFO.
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    // Said once when the state changes; ioredis says it for every attempt, and without a listener the process would end.
    this.client.on('error', (error) => {
      this.fault = faultOf(error);
    });
  }

  /** Whether the last answer came, and in time. */
  get isUp(): boolean {
    return this.up;
  }

  /** As a command may; before it connects. */
  waitLonger(): void {
    this.answerWithinMs = COMMAND_WAITS_MS;
    this.client.options.socketTimeout = COMMAND_WAITS_MS;
  }

  async onModuleInit(): Promise<void> {
    await this.client.connect().catch(() => undefined);
    await this.probe();
    if (!this.up)
      this.logger.warn({ msg: 'Redis is away: prices and budgets come from the database', error: this.fault });
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.probeTimer);
    // ioredis hears the first error of a connection only. One that is ended in its TLS handshake may have two: that the
    // certificate is not trusted, and what the server says of the half handshake. The second would end the process.
    (this.client.stream as Socket | undefined)?.on('error', () => undefined);
    this.client.disconnect();
  }

  /** The values of these keys, in their order, in one round trip. Ask for at most some thousand. */
  async read(keys: readonly string[]): Promise<readonly Cached[]> {
    if (!this.up || keys.length === 0) return [];
    const values = await this.inTime(this.client.mget([...keys]));
    if (values === undefined) this.lost();
    return values ?? [];
  }

  /** The answer, or undefined where it is late or an error. */
  private async inTime<T>(answer: Promise<T>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      // One more turn of the event loop: in a busy process the time may be up while the answer lies there unread.
      timer = setTimeout(() => setImmediate(resolve, undefined), this.answerWithinMs);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      // That its connection is closed is no reason: `error` has told why.
      if (error instanceof Error && error.name === 'ReplyError') this.fault = faultOf(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  private lost(): void {
    if (!this.up) return;
    this.up = false;
    this.logger.warn({
      msg: 'Redis does not answer: prices and budgets come from the database until it does',
      error: this.fault,
    });
  }

  private async probe(): Promise<void> {
    if ((await this.inTime(this.client.get(PROBE_KEY))) === undefined) {
      this.lost();
    } else if (!this.up) {
      this.up = true;
      this.fault = undefined;
      this.logger.log({ msg: 'Redis answers' });
    }
    if (!this.closed) this.probeTimer = setTimeout(() => void this.probe(), PROBE_EVERY_MS);
  }
}

/** Connections to several addresses fail with one error for all, which has no message. */
function faultOf(error: unknown): string {
  const { message, code } = error as Partial<Error & { code: string }>;
  return [message, code].find((text) => text !== undefined && text !== '') ?? String(error);
}
