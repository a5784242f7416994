import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Gatherer } from './gatherer.js';

const all = (waiting: readonly unknown[]): number => waiting.length;

/** A gatherer of numbers whose results are their tens, the calls that it made, and what ends the one under way. */
function recorded(fits = all) {
  const calls: number[][] = [];
  let end: () => void = () => undefined;
  const gatherer = new Gatherer<number, number>(async (group) => {
    calls.push([...group]);
    await new Promise<void>((resolve) => (end = resolve));
    return (item) => item * 10;
  }, fits);
  const endCall = async (): Promise<void> => {
    end();
    await turn();
  };
  return { gatherer, calls, endCall };
}

describe('a gatherer', () => {
  it('hands over what gathered while the last call was away, in order', async () => {
    const { gatherer, calls, endCall } = recorded();

    const first = [1, 2].map((item) => gatherer.add(item));
    await turn();
    const second = [3, 4, 5].map((item) => gatherer.add(item));
    await turn();
    expect(calls).toEqual([[1, 2]]);
    await endCall();
    expect(await Promise.all(first)).toEqual([10, 20]);
    expect(calls).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    await endCall();

    expect(await Promise.all(second)).toEqual([30, 40, 50]);
  });

  it('begins anew when it was idle', async () => {
    const { gatherer, calls, endCall } = recorded();

    for (const item of [1, 2]) {
      const added = gatherer.add(item);
      await turn();
      await endCall();
      expect(await added).toBe(item * 10);
    }

    expect(calls).toEqual([[1], [2]]);
  });

  it('makes its groups as small as they have to be, but never empty', async () => {
    const { gatherer, calls, endCall } = recorded(() => 0);

    const added = Promise.all([1, 2].map((item) => gatherer.add(item)));
    await turn();
    await endCall();
    await endCall();

    expect(await added).toEqual([10, 20]);
    expect(calls).toEqual([[1], [2]]);
  });

  it('asks for each result once, in the order of the group, also of what is in it twice', async () => {
    const gatherer = new Gatherer<string, boolean>((group) => {
      const unseen = new Set(group);
      return Promise.resolve((item) => unseen.delete(item));
    }, all);

    expect(await Promise.all(['a', 'b', 'a'].map((item) => gatherer.add(item)))).toEqual([true, true, false]);
  });

  it('lets an error be the fault of one where that may be, and of the group where not', async () => {
    const refusing = (isolates: boolean) =>
      new Gatherer<string, string>(
        (group) => (group.includes('bad') ? Promise.reject(new Error('refused')) : Promise.resolve((item) => item)),
        all,
        () => isolates,
      );
    const results = async (gatherer: Gatherer<string, string>) =>
      (await Promise.allSettled(['good', 'bad', 'fine'].map((item) => gatherer.add(item)))).map(({ status }) => status);

    expect(await results(refusing(true))).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await results(refusing(false))).toEqual(['rejected', 'rejected', 'rejected']);
  });

  it('goes on after an error', async () => {
    let isAway = true;
    const gatherer = new Gatherer<number, number>(
      () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve((item) => item)),
      all,
    );

    await expect(gatherer.add(1)).rejects.toThrow('away');
    isAway = false;

    expect(await gatherer.add(2)).toBe(2);
  });
});
