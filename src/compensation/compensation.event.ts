import { IsOptional } from 'class-validator';
import { IsAmount, IsId, IsIdText, IsText, IsTime } from '../platform/events/event-fields.js';

/** A duplicate click that Flink found, and what its advertiser gets back. */
export class CompensationEvent {
  @IsId() readonly advertiserId!: bigint;
  @IsAmount({ above: '0' }) readonly refundAmount!: string;
  /** Whatever has the same one is the same compensation. A broken one is refused: without it a repeat would be paid again. */
  @IsOptional() @IsIdText() readonly compensationId?: string;
  @IsOptional() @IsId() readonly campaignId?: bigint;
  @IsOptional() @IsText() readonly originalEventId?: string;
  @IsOptional() @IsText() readonly duplicateEventId?: string;
  @IsOptional() @IsText() readonly reason?: string;
  /** In milliseconds since the epoch. */
  @IsOptional() @IsTime() readonly detectedAt?: number;
}

declare module '../platform/kafka/event-pattern.js' {
  interface TopicEvents {
    'compensation-events': CompensationEvent;
  }
}
