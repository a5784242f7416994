import { Injectable, Logger } from '@nestjs/common';
import { Seldom } from '../logging/seldom.js';

const SAY_EVERY_MS = 60_000;
const SHOWN_CHARS = 60;

interface Kind {
  readonly line: Seldom;
  /** Found since the last line. */
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
  found(key: string, value: string): void {
    const kind = this.kindOf(key);
    if (!kind.line.isDue()) {
      kind.more++;
      return;
    }
    this.logger.warn({
      msg: 'Redis holds a value that is no number and counts as absent',
      key,
      value: value.slice(0, SHOWN_CHARS),
      ...(kind.more > 0 && { foundSinceLastLine: kind.more }),
    });
    kind.more = 0;
  }

  private kindOf(key: string): Kind {
    const name = key.slice(0, key.indexOf(':'));
    const known = this.kinds.get(name);
    if (known !== undefined) return known;
    const kind = { line: new Seldom(SAY_EVERY_MS), more: 0 };
    this.kinds.set(name, kind);
    return kind;
  }
}
