/** What a row of `notification_deliveries` can be. */
const DELIVERY_STATUSES = ['PENDING', 'DELIVERED', 'FAILED'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** How many deliveries came to which status in this process, by channel; 0 from the start for each channel there is. */
export class DeliveryCounts {
  private readonly byChannel = new Map<string, Record<DeliveryStatus, number>>();

  constructor(channels: readonly string[]) {
    for (const channel of channels) this.byChannel.set(channel, { PENDING: 0, DELIVERED: 0, FAILED: 0 });
  }

  add(channel: string, status: DeliveryStatus, count: number): void {
    const counts = this.byChannel.get(channel);
    if (counts !== undefined) counts[status] += count;
  }

  *entries(): Generator<{ channel: string; status: DeliveryStatus; count: number }> {
    for (const [channel, counts] of this.byChannel) {
      for (const status of DELIVERY_STATUSES) yield { channel, status, count: counts[status] };
    }
  }
}
