import { randomUUID } from 'node:crypto';

/** Ids start where no other test file and no earlier run can be: each test has its own advertisers and campaigns. */
let nextId = BigInt(Date.now()) * 1_000_000n + BigInt(process.pid % 1000) * 1_000n;

export function uniqueId(): bigint {
  return nextId++;
}

export const uniqueName = (prefix: string): string => `${prefix}-${randomUUID()}`;

/** A click as the ad server writes it; ids as strings, since JSON cannot hold large ones. */
export function aClick(fields: { campaignId: bigint; advertiserId: bigint } & Record<string, unknown>): string {
  return json({ eventType: 'CLICK', eventId: uniqueName('event'), timestamp: new Date().toISOString(), ...fields });
}

/** A refund as Flink writes it; a field that is undefined is left out. */
export function aCompensation(fields: { advertiserId: bigint } & Record<string, unknown>): string {
  return json({
    compensationId: uniqueName('compensation'),
    refundAmount: '0.50',
    reason: 'DUPLICATE_CLICK',
    ...fields,
  });
}

function json(event: object): string {
  return JSON.stringify(event, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
