import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock.js';
import { TransportHooks, type LostOffsets, type TransportObserver } from '../platform/kafka/observer.js';
import { AlertPublisher } from './alert-publisher.js';

/** What the transport finds that a person must know. */
@Injectable()
export class TransportAlerts implements TransportObserver {
  constructor(
    private readonly alerts: AlertPublisher,
    private readonly clock: Clock,
    hooks: TransportHooks,
  ) {
    hooks.observe(this);
  }

  offsetsLost({ group, topic, partition, from, to }: LostOffsets): void {
    this.alerts.raiseInBackground({
      alertId: `offset-lost:${group}:${topic}:${partition}:${from}-${to}`,
      type: 'OFFSET_LOST',
      severity: 'critical',
      subject: { topic },
      message: `${to - from} offsets of ${topic}, partition ${partition}, were removed before ${group} had read them`,
      details: { group, partition, from, to },
    });
  }

  halted(group: string, halted: boolean): void {
    if (!halted) return;
    this.alerts.raiseInBackground({
      alertId: `consumer-halted:${group}:${this.clock.now()}`,
      type: 'CONSUMER_HALTED',
      severity: 'critical',
      subject: {},
      message: `${group} halted: record after record failed with an error that nobody classified; nothing is lost, it probes once a minute`,
      details: { group },
    });
  }
}
