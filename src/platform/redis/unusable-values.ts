import { Injectable, Logger } from '@nestjs/common';

const SAY_EVERY_MS = 60_000;
const SHOWN_CHARS = 60;

interface Kind {
  saidAt: number;
  more: number;
}

/**
 * Says what stands in Redis and is no number. It counts as absent, so the Worker goes on, by the database; nothing else would tell.
 * For each kind of key one line a minute at most.
 */
@Injectable()
export class UnusableValues {
  private readonly logger = new Logger(UnusableValues.name);
  private readonly kinds = new Map<string, Kind>();

  /** @param key as in `cpc:42`; what stands before the colon is its kind */
  found(key: string, value: string, nowMs = performance.now()): void {
    const name = key.slice(0, key.indexOf(':'));
    const kind = this.kinds.get(name) ?? { saidAt: -Infinity, more: 0 };
    this.kinds.set(name, kind);
    if (nowMs - kind.saidAt < SAY_EVERY_MS) {
      kind.more++;
      return;
    }
    this.logger.warn({
      msg: 'Redis holds a value that is no number and counts as absent',
      key,
      value: value.slice(0, SHOWN_CHARS),
      ...(kind.more > 0 && { foundSinceLastLine: kind.more }),
    });
    kind.saidAt = nowMs;
    kind.more = 0;
  }
}
