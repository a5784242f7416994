import { Column, Entity, PrimaryColumn } from 'typeorm';
import { BIGINT } from '../platform/database/bigint-column.js';

export type CampaignStatus = 'ACTIVE' | 'PAUSED' | 'ENDED';

/** What an operator has set up: its price, its budget, and whether it runs. Money is a decimal string. */
@Entity('campaigns')
export class Campaign {
  @PrimaryColumn({ type: 'bigint', transformer: BIGINT })
  id!: bigint;

  @Column({ name: 'advertiser_id', type: 'bigint', transformer: BIGINT })
  advertiserId!: bigint;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'numeric', precision: 20, scale: 6, nullable: true })
  cpc!: string | null;

  /** Null is unlimited. */
  @Column({ name: 'daily_budget', type: 'numeric', precision: 20, scale: 6, nullable: true })
  dailyBudget!: string | null;

  @Column({ type: 'text' })
  status!: CampaignStatus;

  @Column({ name: 'status_reason', type: 'text', nullable: true })
  statusReason!: string | null;

  @Column({ name: 'status_changed_at', type: 'timestamptz' })
  statusChangedAt!: Date;

  /** The budget day of the click that paused it, `yyyy-MM-dd`. */
  @Column({ name: 'budget_paused_on', type: 'date', nullable: true })
  budgetPausedOn!: string | null;

  @Column({ name: 'budget_paused_spent', type: 'numeric', precision: 20, scale: 6, nullable: true })
  budgetPausedSpent!: string | null;
}
