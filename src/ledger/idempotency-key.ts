import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';

/** Two records are two postings even with one `eventId`; a topic made anew gives the same offsets out with other times. */
export function recordKey({ topic, partition, offset, timestamp }: RecordCoordinates): string {
  return `record:${topic}:${partition}:${offset}:${timestamp}`;
}

/** A compensation is one posting, in however many records it comes. */
export function compensationKey(compensationId: string): string {
  return `compensation:${compensationId}`;
}
