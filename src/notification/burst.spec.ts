import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, GROUP_EVERY_MS, SINGLE_ALERTS, type Burst } from './burst.js';

const NONE: Burst = { alerts: 0, lastAlertAt: null, groupDueAt: null };

/** What becomes of alerts at these times, while every group message is sent when it is due. */
function run(times: readonly number[]): { singles: number[]; groups: Map<number, number> } {
  const singles: number[] = [];
  const groups = new Map<number, number>();
  let burst = NONE;
  for (const now of times) {
    if (burst.groupDueAt !== null && burst.groupDueAt <= now) burst = { ...burst, groupDueAt: null };
    const admitted = admit(burst, now);
    burst = admitted.burst;
    if (!admitted.grouped) singles.push(now);
    else groups.set(burst.groupDueAt ?? NaN, (groups.get(burst.groupDueAt ?? NaN) ?? 0) + 1);
  }
  return { singles, groups };
}

const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, i) => i * ms);

describe('a burst', () => {
  it('lets the first five out at once, each alone', () => {
    expect(run(every(10, 5))).toEqual({ singles: every(10, 5), groups: new Map() });
  });

  it('makes one message of what follows within a minute, however much it is', () => {
    const { singles, groups } = run(every(5, 10_000));

    expect(singles).toHaveLength(SINGLE_ALERTS);
    expect([...groups.values()]).toEqual([9_995]);
    expect([...groups.keys()]).toEqual([25 + GROUP_EVERY_MS]);
  });

  it('makes one message a minute while it goes on', () => {
    const { singles, groups } = run(every(1_000, 600));

    expect(singles).toHaveLength(SINGLE_ALERTS);
    expect([...groups.keys()]).toEqual(Array.from({ length: 10 }, (_, i) => 5_000 + (i + 1) * GROUP_EVERY_MS));
  });

  it('ends with a quiet minute', () => {
    const { singles } = run([...every(10, 100), 990 + GROUP_EVERY_MS + 1]);

    expect(singles).toHaveLength(SINGLE_ALERTS + 1);
    expect(run([...every(10, 100), 990 + GROUP_EVERY_MS]).singles).toHaveLength(SINGLE_ALERTS);
  });

  it('never groups what comes less often than once a minute', () => {
    expect(run(every(GROUP_EVERY_MS + 1, 50)).groups.size).toBe(0);
  });

  it('leaves a group message that waits for its channel due when it was', () => {
    const waiting: Burst = { alerts: 900, lastAlertAt: 0, groupDueAt: 5_000_000 };

    expect(admit(waiting, GROUP_EVERY_MS * 2)).toEqual({
      burst: { alerts: 1, lastAlertAt: GROUP_EVERY_MS * 2, groupDueAt: 5_000_000 },
      grouped: false,
    });
    expect(admit({ ...waiting, lastAlertAt: 1 }, 2)).toMatchObject({ burst: { groupDueAt: 5_000_000 }, grouped: true });
  });

  it('recovers when the clock is set back', () => {
    const { burst } = admit({ alerts: 9, lastAlertAt: 10_000_000, groupDueAt: null }, 0);

    expect(burst.lastAlertAt).toBe(0);
  });

  it('loses no alert, keeps messages a minute apart, and tells of each within a minute', () => {
    const gaps = fc.array(fc.oneof(fc.nat(1_000), fc.nat(3 * GROUP_EVERY_MS)), { maxLength: 200 });
    fc.assert(
      fc.property(gaps, (pauses) => {
        let now = 0;
        const times = pauses.map((pauseMs) => (now += pauseMs));

        const { singles, groups } = run(times);

        const grouped = [...groups.values()].reduce((sum, count) => sum + count, 0);
        expect(singles.length + grouped).toBe(times.length);
        const dues = [...groups.keys()];
        expect(dues.every((due, i) => i === 0 || due - (dues[i - 1] ?? 0) >= GROUP_EVERY_MS)).toBe(true);
      }),
    );
  });
});
