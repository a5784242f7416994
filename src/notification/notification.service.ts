import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Alert } from '../alerts/alert.js';
import { DatabaseLifecycle } from '../platform/database/database-lifecycle.js';
import { AlertIntake } from './alert-intake.js';
import { Dispatcher } from './dispatcher.js';

export const DISPATCHERS = Symbol('DISPATCHERS');

/** Sends each alert through every channel there is, once. */
@Injectable()
export class NotificationService implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Notification');
  private stopped: Promise<unknown> | undefined;

  constructor(
    private readonly intake: AlertIntake,
    @Inject(DISPATCHERS) private readonly dispatchers: readonly Dispatcher[],
    private readonly database: DatabaseLifecycle,
  ) {}

  onApplicationBootstrap(): void {
    if (this.dispatchers.length === 0) {
      this.logger.log('no channel is configured: alerts stand on alert-events alone (SLACK_WEBHOOK_URL, SMTP_URL)');
      return;
    }
    this.database.ready().then(
      () => {
        if (this.stopped === undefined) for (const dispatcher of this.dispatchers) dispatcher.start();
      },
      () => undefined, // the Worker stops
    );
  }

  /**
   * Resolves once the alert is stored for every channel; sending it is a matter of its own. False: it was stored before.
   *
   * @throws TransientError when the database is away
   * @throws PoisonError when it refuses the alert
   */
  async accept(alert: Alert): Promise<boolean> {
    if (this.dispatchers.length === 0) return true;
    const isNew = await this.intake.store(alert);
    if (isNew) for (const dispatcher of this.dispatchers) dispatcher.wake();
    return isNew;
  }

  /** Begins here and is waited for later: the transport drains at the same time. */
  beforeApplicationShutdown(): void {
    this.stopped = Promise.all(this.dispatchers.map((dispatcher) => dispatcher.stop()));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.stopped, this.intake.close()]);
  }
}
