import { compensationKey, recordKey } from '../ledger/idempotency-key.js';
import type { RecordCoordinates } from '../platform/kafka/record-coordinates.js';
import type { CompensationEvent } from './compensation.event.js';

/** Without an id of its own, only its record tells a compensation from the next one. */
export function refundKey({ compensationId }: CompensationEvent, record: RecordCoordinates): string {
  return compensationId === undefined ? recordKey(record) : compensationKey(compensationId);
}
