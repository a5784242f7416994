import { Inject, Injectable } from '@nestjs/common';
import { AlertPublisher } from '../alerts/alert-publisher.js';
import { PostingCounts } from '../ledger/posting-counts.js';
import { Clock } from '../platform/clock.js';
import { Patrols } from '../platform/database/patrols.js';
import { duplicateRateAlert, duplicateRatio, isTooHigh } from './duplicate-rate.js';
import { DUPLICATE_RATE_OPTIONS, type DuplicateRateOptions } from './duplicate-rate-options.js';

/** A look reads some hundred rows. */
const LOOK_EVERY_MS = 5_000;

/** Watches how many clicks turn out to be duplicates, over all replicas, and tells when there are too many. */
@Injectable()
export class DuplicateRateWatch {
  /** Refunds to clicks of the last hour, as of the last look. */
  ratio = 0;

  constructor(
    private readonly counts: PostingCounts,
    private readonly alerts: AlertPublisher,
    private readonly clock: Clock,
    @Inject(DUPLICATE_RATE_OPTIONS) private readonly options: DuplicateRateOptions,
    patrols: Patrols,
  ) {
    patrols.add(LOOK_EVERY_MS, 'duplicate clicks not watched: trying again', () => this.look());
  }

  /** The next look makes up for one that fails: the counts are kept, and so is the reason to tell. */
  private async look(): Promise<void> {
    const count = await this.counts.ofLastHour();
    this.ratio = duplicateRatio(count);
    if (isTooHigh(count, this.options.alertAbovePercent)) {
      await this.alerts.raise(duplicateRateAlert(count, this.options.alertAbovePercent, this.clock.now()));
    }
    await this.counts.forgetOld();
  }
}
