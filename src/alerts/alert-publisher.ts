import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Clock } from '../platform/clock.js';
import { RecordPublisher } from '../platform/kafka/record-publisher.js';
import { isRehearsing } from '../platform/rehearsal.js';
import { inSomeTrace } from '../platform/tracing/carried-trace.js';
import type { Alert } from './alert.js';

const ALERT_TOPIC = 'alert-events';

/** Ids of alerts that the broker has, so that a repeat costs nothing; about 10 MB. */
const REMEMBERED = 50_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Alerts that keep trying in the background; what is beyond that is said in the log alone. */
const MOST_IN_BACKGROUND = 1_000;

/** What somebody says who raises an alert; when it happened is now, where nothing else is said. */
export type NewAlert = Omit<Alert, 'occurredAt'> & { readonly occurredAt?: string };

/** Says on `alert-events` that something happened. */
@Injectable()
export class AlertPublisher {
  private readonly logger = new Logger(AlertPublisher.name);
  /** By id, oldest first: under way or acknowledged. */
  private readonly raised = new Map<string, Promise<void>>();
  private inBackground = 0;

  constructor(
    private readonly publisher: RecordPublisher,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves when the broker has the alert. An id that was raised before is not written again, as far as this process
   * remembers; others recognise the repeat by it. In a rehearsal none is.
   *
   * @throws TransientError when the broker did not take it: a handler lets it pass, and is called again with its record
   */
  raise(alert: NewAlert): Promise<void> {
    if (isRehearsing()) return Promise.resolve();
    const before = this.raised.get(alert.alertId);
    if (before !== undefined) return before;
    const writing = this.write(alert);
    this.remember(alert.alertId, writing);
    return writing;
  }

  /** For those who have no record to be called again with: tries until the broker has it or the process ends. */
  raiseInBackground(alert: NewAlert): void {
    if (isRehearsing()) return;
    if (this.inBackground >= MOST_IN_BACKGROUND) {
      this.logger.error({ msg: 'alert not raised: too many wait for the broker', alertId: alert.alertId });
      return;
    }
    this.inBackground++;
    const whole = { ...alert, occurredAt: alert.occurredAt ?? this.isoNow() };
    void inTraceOfAlert(whole, () => this.keepTrying(whole)).finally(() => this.inBackground--);
  }

  private async write(alert: NewAlert): Promise<void> {
    try {
      const whole: Alert = { ...alert, occurredAt: alert.occurredAt ?? this.isoNow() };
      const record = { key: keyOf(whole), value: JSON.stringify(whole) };
      await inTraceOfAlert(alert, () => this.publisher.publish(ALERT_TOPIC, record));
    } catch (error) {
      this.raised.delete(alert.alertId);
      throw error;
    }
  }

  private async keepTrying(alert: Alert): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.raise(alert);
        return;
      } catch (error) {
        this.logger.warn({ msg: 'alert not raised yet', alertId: alert.alertId, error: (error as Error).message });
        await pause(pauseMs, undefined, { ref: false });
      }
    }
  }

  private remember(alertId: string, writing: Promise<void>): void {
    this.raised.set(alertId, writing);
    const [oldest] = this.raised.keys();
    if (this.raised.size > REMEMBERED && oldest !== undefined) this.raised.delete(oldest);
  }

  private isoNow(): string {
    return new Date(this.clock.now()).toISOString();
  }
}

/** That of the handler that raises it, if any: what nobody's record has brought about is the first of its own. */
function inTraceOfAlert(alert: NewAlert, work: () => Promise<void>): Promise<void> {
  return inSomeTrace(ALERT_TOPIC, { 'worker.alert.type': alert.type, 'worker.alert.id': alert.alertId }, work);
}

/** What is said of one campaign (else advertiser, else topic) stays in order. */
function keyOf({ subject, type }: Alert): string {
  return subject.campaignId ?? subject.advertiserId ?? subject.topic ?? type;
}
