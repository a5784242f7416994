import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';

/** Each takes some hundred bytes. */
const MOST = 1_000_000;

/** Records of a topic that were not found so far. */
export class MissingRecords {
  private readonly timestamps = new Map<string, number>();

  constructor(private readonly topic: string) {}

  get size(): number {
    return this.timestamps.size;
  }

  /** @throws Error when so many are missing that it is not the Worker's doing */
  add({ partition, offset, timestamp }: RecordCoordinates): void {
    this.timestamps.set(`${partition}:${offset}`, timestamp);
    if (this.size > MOST) {
      const message = `more than ${MOST} records of ${this.topic} are neither in the ledger nor dead letters: is this its database?`;
      throw new Error(message);
    }
  }

  /** @param place `partition:offset` */
  delete(place: string): boolean {
    return this.timestamps.delete(place);
  }

  /** It was found after all; false where it was not missing. */
  find({ topic, partition, offset, timestamp }: RecordCoordinates): boolean {
    const place = `${partition}:${offset}`;
    return topic === this.topic && this.timestamps.get(place) === timestamp && this.delete(place);
  }

  places(): { partition: number; offset: bigint; timestamp: number }[] {
    return [...this.timestamps].map(([place, timestamp]) => {
      const [partition = '', offset = ''] = place.split(':');
      return { partition: Number(partition), offset: BigInt(offset), timestamp };
    });
  }

  /** `topic:partition:offset` of each, by partition and offset. */
  names(): string[] {
    return this.places()
      .toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
      .map(({ partition, offset }) => `${this.topic}:${partition}:${offset}`);
  }
}
