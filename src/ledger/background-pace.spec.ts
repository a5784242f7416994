import { describe, expect, it } from 'vitest';
import { BackgroundPace } from './background-pace.js';

describe('the pace of background postings', () => {
  it('is high while no live ones come', () => {
    const pace = new BackgroundPace();

    pace.took(0, 20);

    expect([pace.most(20), pace.restMs(20)]).toEqual([200, 0]);
  });

  it('is low beside live ones, with a rest after each call of five times its time', () => {
    const pace = new BackgroundPace();
    pace.sawLive(1_000);

    expect(pace.most(1_001)).toBe(25);
    pace.took(1_001, 1_011);

    expect([pace.most(1_012), pace.restMs(1_012)]).toEqual([0, 49]);
    expect([pace.most(1_061), pace.restMs(1_061)]).toEqual([25, 0]);
  });

  it('rests no longer than a tenth of a second, however slow Postgres is', () => {
    const pace = new BackgroundPace();
    pace.sawLive(1_000);

    pace.took(1_000, 1_500);

    expect(pace.restMs(1_500)).toBe(100);
  });

  it('is high again a second after the last live one', () => {
    const pace = new BackgroundPace();
    pace.sawLive(1_000);

    pace.took(1_900, 1_990);

    expect([pace.most(1_995), pace.restMs(1_995), pace.most(2_000)]).toEqual([0, 5, 200]);
  });
});
