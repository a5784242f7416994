import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import { PostingCounts } from '../ledger/posting-counts.js';
import { Clock } from '../platform/clock.js';
import { describeDatabaseError } from '../platform/database/database-errors.js';
import { DatabaseLifecycle } from '../platform/database/database-lifecycle.js';
import { Patrol } from '../platform/patrol.js';
import { duplicateRateAlert, duplicateRatio, isTooHigh } from './duplicate-rate.js';
import { DUPLICATE_RATE_OPTIONS, type DuplicateRateOptions } from './duplicate-rate-options.js';

/** A look reads some hundred rows. */
const LOOK_EVERY_MS = 5_000;

/** Watches how many clicks turn out to be duplicates, over all replicas, and tells when there are too many. */
@Injectable()
export class DuplicateRateWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DuplicateRateWatch.name);
  private readonly patrol = new Patrol(LOOK_EVERY_MS, () => this.look());
  private isFailing = false;
  /** Refunds to clicks of the last hour, as of the last look. */
  ratio = 0;

  constructor(
    private readonly counts: PostingCounts,
    private readonly alerts: AlertPublisher,
    private readonly lifecycle: DatabaseLifecycle,
    private readonly clock: Clock,
    @Inject(DUPLICATE_RATE_OPTIONS) private readonly options: DuplicateRateOptions,
  ) {}

  onApplicationBootstrap(): void {
    this.patrol.startAfter(this.lifecycle.ready());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.patrol.stop();
  }

  private async look(): Promise<void> {
    try {
      const count = await this.counts.ofLastHour();
      this.ratio = duplicateRatio(count);
      if (isTooHigh(count, this.options.alertAbovePercent)) {
        await this.alerts.raise(duplicateRateAlert(count, this.options.alertAbovePercent, this.clock.now()));
      }
      await this.counts.forgetOld();
      this.isFailing = false;
    } catch (error) {
      // The next look makes up for it: the counts are kept, and so is the reason to tell.
      if (!this.isFailing)
        this.logger.warn({ msg: 'duplicate clicks not watched: trying again', error: describeDatabaseError(error) });
      this.isFailing = true;
    }
  }
}
