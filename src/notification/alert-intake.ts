import type { Alert } from '../alerts/alert.js';
import type { Clock } from '../platform/clock.js';
import { isTransientDatabaseError, toFailure } from '../platform/database/database-errors.js';
import { OwnConnection } from '../platform/database/own-connection.js';
import { storableText } from '../platform/database/storable-text.js';
import { Gatherer } from '../platform/gatherer.js';
import { causeOf } from './cause.js';
import type { DeliveryCounts } from './delivery-counts.js';
import { storableJson } from './storable-json.js';
import { storeAlerts, type StorableAlert } from './store-alerts.sql.js';

/** Of one transaction. The transport bounds how many wait. */
const ALERTS_AT_ONCE = 500;
const CHARS_AT_ONCE = 4_000_000;

/**
 * Stores alerts for their channels. What gathers while the last transaction is away goes into the next one, so that ten
 * thousand alerts cost a few dozen of them.
 */
export class AlertIntake {
  private readonly connection: OwnConnection;
  private readonly alerts = new Gatherer<StorableAlert, boolean>(
    (group) => this.storeTogether(group),
    groupSize,
    // One value that the database refuses is no reason to refuse the others.
    (error) => !isTransientDatabaseError(error),
  );

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
  async store(alert: Alert): Promise<boolean> {
    const storable = { alertId: storableText(alert.alertId), cause: causeOf(alert), json: storableJson(alert) };
    try {
      return await this.alerts.add(storable);
    } catch (error) {
      throw toFailure(error);
    }
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async storeTogether(group: readonly StorableAlert[]): Promise<(alert: StorableAlert) => boolean> {
    const alerts = new Map(group.map((alert) => [alert.alertId, alert]));
    const created = await this.connection.use((client) =>
      storeAlerts(client, this.channels, [...alerts.values()], this.clock.now()),
    );
    for (const { channel } of created) this.counts.add(channel, 'PENDING', 1);
    const isNew = new Set(created.map(({ alertId }) => alertId));
    // Of two with one id, the first is new.
    return ({ alertId }) => isNew.delete(alertId);
  }
}

function groupSize(waiting: readonly StorableAlert[]): number {
  let chars = 0;
  const tooMany = waiting.findIndex(({ json }, i) => i >= ALERTS_AT_ONCE || (chars += json.length) > CHARS_AT_ONCE);
  return tooMany < 0 ? waiting.length : tooMany;
}
