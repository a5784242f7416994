import { IsOptional } from 'class-validator';
import { IsId, IsText, IsTime, OnlyWhere } from '../platform/events/event-fields.js';

/** An `ad-events` record that is a click; others are skipped before they cost anything. */
@OnlyWhere('eventType', 'CLICK')
export class ClickEvent {
  @IsId() readonly campaignId!: bigint;
  @IsId() readonly advertiserId!: bigint;
  @IsOptional() @IsText() readonly eventId?: string;
  /** When the click happened, in milliseconds since the epoch. */
  @IsOptional() @IsTime() readonly timestamp?: number;
}

declare module '../platform/kafka/event-pattern.js' {
  interface TopicEvents {
    'ad-events': ClickEvent;
  }
}
