import { describe, expect, it } from 'vitest';
import { DeliveryError } from './delivery-error.js';
import { GIVE_UP_AFTER_MS, pauseMs, verdictOn } from './retry-schedule.js';

const NOW = Date.UTC(2026, 2, 1);

describe('the pause before the next attempt', () => {
  it('doubles from one second to five minutes', () => {
    expect([1, 2, 3, 4, 8, 9, 10, 100, 5_000].map((attempts) => pauseMs(attempts, 0.5))).toEqual([
      1_000, 2_000, 4_000, 8_000, 128_000, 256_000, 300_000, 300_000, 300_000,
    ]);
  });

  it('is up to a fifth shorter or longer', () => {
    expect([pauseMs(1, 0), pauseMs(1, 1)]).toEqual([800, 1_200]);
  });
});

describe('what follows from a failed attempt', () => {
  it('is another one, until a day has passed', () => {
    expect(verdictOn(DeliveryError.transient('HTTP 500'), 3, NOW, 0.5)).toEqual({
      status: 'PENDING',
      error: 'HTTP 500',
      retryAt: NOW + 4_000,
      giveUpBefore: NOW - GIVE_UP_AFTER_MS,
      pauseUntil: undefined,
    });
  });

  it('is a pause for the whole channel where the other side asks for one', () => {
    expect(verdictOn(DeliveryError.transient('HTTP 429', 90_000), 1, NOW, 0.5)).toMatchObject({
      retryAt: NOW + 90_000,
      pauseUntil: NOW + 90_000,
    });
    expect(verdictOn(DeliveryError.transient('HTTP 429', 1_000), 9, NOW, 0.5)).toMatchObject({
      retryAt: NOW + 256_000,
      pauseUntil: NOW + 1_000,
    });
  });

  it('is the end where it would always fail', () => {
    expect(verdictOn(DeliveryError.permanent('HTTP 404'), 1, NOW, 0.5)).toEqual({
      status: 'FAILED',
      error: 'HTTP 404',
    });
  });

  it('is another one after a bug, of which nothing is told that may be secret', () => {
    expect(verdictOn(new TypeError('hush'), 1, NOW, 0.5)).toMatchObject({
      status: 'PENDING',
      error: 'TypeError in the channel',
    });
    expect(verdictOn('hush', 1, NOW, 0.5)).toMatchObject({ status: 'PENDING', error: 'an error in the channel' });
  });

  it('says why in a text that can be stored', () => {
    const verdict = verdictOn(DeliveryError.permanent(`\0${'x'.repeat(9_999)}`), 1, NOW, 0.5);

    expect(verdict).toEqual({ status: 'FAILED', error: 'x'.repeat(500) });
  });
});
