/** Where a record stands in Kafka. With its time, since a topic made anew gives the same offsets out again. */
export interface RecordCoordinates {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since the epoch, the record's own. */
  readonly timestamp: number;
}
