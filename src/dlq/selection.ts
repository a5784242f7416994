import type { LetterStatus } from './letter-status.js';

/** Which dead letters somebody means; what is not said does not matter. */
export interface Selection {
  readonly ids?: readonly bigint[];
  readonly topic?: string;
  readonly code?: string;
  /** As `causeOf` made it of the message when the letter was stored; groups are made by the same column. */
  readonly cause?: string;
  readonly campaignId?: bigint;
  readonly advertiserId?: bigint;
  /** When it failed last: from this moment on, and before that one. */
  readonly from?: Date;
  readonly to?: Date;
  readonly status?: LetterStatus;
}

/** Conditions on `dead_letters d`, and the parameters that they name. */
export interface Condition {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** @param firstParameter the number of the first parameter that is free in the statement */
export function conditionOf(selection: Selection, firstParameter = 1): Condition {
  const { ids, topic, code, cause, campaignId, advertiserId, from, to, status } = selection;
  const parts: [condition: string, value: unknown][] = [
    ['d.id = any($::bigint[])', ids],
    ['d.topic = $', topic],
    ['d.error_code = $', code],
    ['d.cause = $', cause],
    ['d.campaign_id = $', campaignId],
    ['d.advertiser_id = $', advertiserId],
    ['d.failed_at >= $', from],
    ['d.failed_at < $', to],
    ['d.status = $', status],
  ];
  const said = parts.filter(([, value]) => value !== undefined);
  return {
    text: ['true', ...said.map(([condition], i) => condition.replace('$', `$${firstParameter + i}`))].join(' and '),
    values: said.map(([, value]) => value),
  };
}

/**
 * What may be replayed: what nobody has decided on, and what was replayed without an outcome for so long that it may never have
 * been sent (the replay was killed). Sent twice it does no harm: the second one is recognised.
 */
export const IS_REPLAYABLE = `
  (d.status = 'NEW'
   or d.status = 'REPLAYED' and coalesce(d.replayed_at, d.failed_at) < clock_timestamp() - interval '10 minutes')`;

/** Somebody else's record on a dead-letter topic: where it stood is not known, so a replay could not be told from it. */
export const IS_FOREIGN = `(d.topic like '%.dlq' or d.topic like '%.retry')`;
