import { Logger } from '@nestjs/common';
import type { Claim } from './claim.js';
import type { Verdict } from './retry-schedule.js';
import type { Ended } from './settle.sql.js';

/** Says in the log when a channel begins to fail, when it works again, and what it never took. */
export class ChannelHealth {
  private readonly logger = new Logger('Notification');
  private isFailing = false;

  constructor(private readonly channel: string) {}

  ended({ key, attempts }: Claim, verdict: Verdict, { failed }: Ended): void {
    const { channel } = this;
    if (verdict.status === 'DELIVERED') {
      if (this.isFailing) this.logger.log({ msg: 'alerts get through again', channel });
      this.isFailing = false;
      return;
    }
    const { error } = verdict;
    if (failed > 0) {
      const msg = verdict.status === 'FAILED' ? 'alerts were refused for good' : 'alerts were given up after 24 hours';
      this.logger.error({ msg, channel, alert: key, count: failed, attempts, error });
    } else if (verdict.status === 'PENDING' && !this.isFailing) {
      this.isFailing = true;
      this.logger.warn({ msg: 'alerts do not get through: trying again for 24 hours', channel, error });
    }
  }
}
