import { describe, expect, it } from 'vitest';
import { retryAfterMs, slackFailure } from './slack-answer.js';

const NOW = Date.UTC(2026, 2, 1, 12);
const answer = (status: number, body = '', retryAfter: string | null = null) => ({
  status,
  body,
  retryAfter,
  date: null,
});

describe('an answer of Slack', () => {
  it('of 200 is acceptance', () => {
    expect(slackFailure(answer(200, 'ok'), NOW)).toBeUndefined();
  });

  it.each([
    [400, 'invalid_payload'],
    [403, 'action_prohibited'],
    [404, 'no_service'],
    [410, 'channel_is_archived'],
  ])('of %i %s is for ever', (status, body) => {
    expect(slackFailure(answer(status, body), NOW)).toMatchObject({
      isPermanent: true,
      message: `HTTP ${status} ${body}`,
    });
  });

  it.each([429, 500, 502, 503, 302, 304])('of %i passes', (status) => {
    expect(slackFailure(answer(status), NOW)).toMatchObject({ isPermanent: false, message: `HTTP ${status}` });
  });

  it('may ask to be left alone', () => {
    expect(slackFailure(answer(429, '', '30'), NOW)?.retryAfterMs).toBe(30_000);
    expect(slackFailure(answer(503, '', '7'), NOW)?.retryAfterMs).toBe(7_000);
  });
});

describe('Retry-After', () => {
  it.each([
    ['30', 30_000],
    [' 1 ', 1_000],
    ['Sun, 01 Mar 2026 12:02:00 GMT', 120_000],
    ['999999999', 24 * 60 * 60 * 1_000],
    ['0', undefined],
    ['-5', undefined],
    ['Sun, 01 Mar 2026 11:00:00 GMT', undefined],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
  ])('%j is %j ms', (header, ms) => {
    expect(retryAfterMs(header, null, NOW)).toBe(ms);
  });

  it('as a date is held against the clock of whoever sent it', () => {
    const theirs = 'Mon, 02 Mar 2026 00:00:00 GMT';

    expect(retryAfterMs('Mon, 02 Mar 2026 00:00:10 GMT', theirs, NOW)).toBe(10_000);
  });
});
