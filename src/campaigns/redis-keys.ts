/** What Redis has of a campaign: its CPC, and what it has spent today. */
export const priceKey = (campaignId: bigint | string): string => `cpc:${campaignId}`;
export const counterKey = (campaignId: bigint): string => `daily_budget:${campaignId}`;
