import { describe, expect, it } from 'vitest';
import { HaltGuard, type HaltVerdict } from './halt-guard.js';

const exhaust = (guard: HaltGuard, times: number): HaltVerdict[] =>
  Array.from({ length: times }, () => guard.exhausted());

describe('HaltGuard', () => {
  it('buries a run of records that nobody classified, and halts with the last that it may bury', () => {
    const guard = new HaltGuard(3);

    expect(exhaust(guard, 3)).toEqual(['bury', 'bury', 'bury and halt']);
  });

  it('buries none of those that were under way when it halted', () => {
    const guard = new HaltGuard(3);
    exhaust(guard, 3);

    expect(exhaust(guard, 2)).toEqual(['halt', 'halt']);
  });

  it('begins to count anew when a handler did its work between', () => {
    const guard = new HaltGuard(3);
    exhaust(guard, 2);

    guard.handled();

    expect(exhaust(guard, 3)).toEqual(['bury', 'bury', 'bury and halt']);
  });

  it('tries one record at a time while it probes, and buries none of them', () => {
    const guard = new HaltGuard(3);
    exhaust(guard, 3);

    guard.probe();

    expect(guard.isProbing).toBe(true);
    expect(guard.exhausted()).toBe('halt');
    expect(guard.isProbing).toBe(false);
  });

  it('is halted again when what a probe tried fails, whatever ends meanwhile, until another probe goes well', () => {
    const guard = new HaltGuard(3);
    expect(guard.isHalted).toBe(false);
    exhaust(guard, 3);
    guard.probe();
    expect(guard.isHalted).toBe(false);

    guard.exhausted();
    expect([guard.isHalted, guard.handled(), guard.isHalted]).toEqual([true, false, true]);

    guard.probe();
    expect([guard.handled(), guard.isHalted]).toEqual([true, false]);
  });

  it('resumes with the first record that is handled while it probes, and says so once', () => {
    const guard = new HaltGuard(3);
    exhaust(guard, 3);
    guard.probe();

    expect([guard.handled(), guard.handled()]).toEqual([true, false]);
    expect(guard.isProbing).toBe(false);
    expect(guard.exhausted()).toBe('bury');
  });

  it('ends no halt by what was still under way: only a probe does', () => {
    const guard = new HaltGuard(3);
    exhaust(guard, 3);

    expect(guard.handled()).toBe(false);
    expect(exhaust(guard, 2)).toEqual(['halt', 'halt']);
  });
});
