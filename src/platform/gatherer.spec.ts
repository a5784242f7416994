import { describe, expect, it } from 'vitest';
import { Gatherer } from './gatherer.js';

const all = (waiting: readonly unknown[]): number => waiting.length;

describe('a gatherer', () => {
  it('hands over what gathered while the last call was away, in order', async () => {
    const calls: number[][] = [];
    let finish: () => void = () => undefined;
    const gatherer = new Gatherer<number>((group) => {
      calls.push([...group]);
      return new Promise((resolve) => (finish = resolve));
    }, all);

    const first = [gatherer.add(1), gatherer.add(2)];
    await turn();
    const second = [gatherer.add(3), gatherer.add(4), gatherer.add(5)];
    await turn();
    expect(calls).toEqual([[1, 2]]);
    finish();
    await Promise.all(first);
    await turn();
    finish();
    await Promise.all(second);

    expect(calls).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it('makes its groups as small as they have to be, but never empty', async () => {
    const calls: number[][] = [];
    const gatherer = new Gatherer<number>(
      (group) => Promise.resolve(void calls.push([...group])),
      () => 0,
    );

    await Promise.all([1, 2].map((item) => gatherer.add(item)));

    expect(calls).toEqual([[1], [2]]);
  });

  it('lets an error be the fault of one where that may be, and of the group where not', async () => {
    const refusing = (isolates: boolean) =>
      new Gatherer<string>(
        (group) => (group.includes('bad') ? Promise.reject(new Error('refused')) : Promise.resolve()),
        all,
        () => isolates,
      );
    const results = async (gatherer: Gatherer<string>) =>
      (await Promise.allSettled(['good', 'bad', 'fine'].map((item) => gatherer.add(item)))).map(({ status }) => status);

    expect(await results(refusing(true))).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await results(refusing(false))).toEqual(['rejected', 'rejected', 'rejected']);
  });
});

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
