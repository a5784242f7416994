import type { Alert } from '../alerts/alert.js';
import type { Clock } from '../platform/clock.js';
import { describeDatabaseError, isTransientDatabaseError, toFailure } from '../platform/database/database-errors.js';
import { OwnConnection } from '../platform/database/own-connection.js';
import { TransientError } from '../platform/failure.js';
import { causeOf } from './cause.js';
import type { DeliveryCounts } from './delivery-counts.js';
import { storableJson, storableText } from './storable-json.js';
import { storeAlerts, type StorableAlert } from './store-alerts.sql.js';

/** Of one transaction. The transport bounds how many wait. */
const ALERTS_AT_ONCE = 500;
const CHARS_AT_ONCE = 4_000_000;

interface Waiting {
  readonly alert: StorableAlert;
  readonly resolve: (isNew: boolean) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Stores alerts for their channels. What gathers while the last transaction is away goes into the next one, so that ten
 * thousand alerts cost a few dozen of them.
 */
export class AlertIntake {
  private readonly connection: OwnConnection;
  private waiting: Waiting[] = [];
  private isStoring = false;

  constructor(
    databaseUrl: string,
    private readonly channels: readonly string[],
    private readonly counts: DeliveryCounts,
    private readonly clock: Clock,
  ) {
    this.connection = new OwnConnection(databaseUrl, 'worker-alerts');
  }

  /**
   * Resolves once the alert has a delivery for every channel: with false where it had all of them before.
   *
   * @throws TransientError when the database is away
   * @throws PoisonError when it refuses the alert
   */
  store(alert: Alert): Promise<boolean> {
    const alertId = storableText(alert.alertId);
    const storable = { alertId, cause: causeOf(alert), json: storableJson(alert) };
    return new Promise((resolve, reject) => {
      this.waiting.push({ alert: storable, resolve, reject });
      if (!this.isStoring) {
        this.isStoring = true;
        // The handlers of a chunk each bring one within this turn of the event loop.
        setImmediate(() => void this.storeAll());
      }
    });
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async storeAll(): Promise<void> {
    while (this.waiting.length > 0) await this.storeTogether(this.nextOnes());
    this.isStoring = false;
  }

  private nextOnes(): Waiting[] {
    let chars = 0;
    const tooMany = this.waiting.findIndex(
      ({ alert }, i) => i > 0 && (i >= ALERTS_AT_ONCE || (chars += alert.json.length) > CHARS_AT_ONCE),
    );
    return this.waiting.splice(0, tooMany < 0 ? this.waiting.length : tooMany);
  }

  /** Never throws: who waits is told. */
  private async storeTogether(group: readonly Waiting[]): Promise<void> {
    try {
      const alerts = new Map(group.map(({ alert }) => [alert.alertId, alert]));
      const created = await this.connection.use((client) =>
        storeAlerts(client, this.channels, [...alerts.values()], this.clock.now()),
      );
      for (const { channel } of created) this.counts.add(channel, 'PENDING', 1);
      const isNew = new Set(created.map(({ alertId }) => alertId));
      // Of two with one id, the first is new.
      for (const { alert, resolve } of group) resolve(isNew.delete(alert.alertId));
    } catch (error) {
      if (group.length > 1 && !isTransientDatabaseError(error)) {
        // One value that the database refuses is no reason to refuse the others.
        for (const one of group) await this.storeTogether([one]);
      } else {
        const failure =
          group.length === 1 ? toFailure(error) : new TransientError(describeDatabaseError(error), { cause: error });
        for (const { reject } of group) reject(failure);
      }
    }
  }
}
