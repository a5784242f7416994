import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Coalescer } from './coalescer.js';

type Load = (keys: readonly string[]) => Promise<(string | Promise<string>)[]>;

/** A coalescer whose answers are the keys in capitals, and the calls it made. */
function recorded(load?: Load): { coalescer: Coalescer<string, string>; calls: (readonly string[])[] } {
  const calls: (readonly string[])[] = [];
  const coalescer = new Coalescer<string, string>((keys) => {
    calls.push(keys);
    return load?.(keys) ?? Promise.resolve(keys.map((key) => key.toUpperCase()));
  });
  return { coalescer, calls };
}

describe('Coalescer', () => {
  it('asks once for what is asked within one turn of the event loop, each key once', async () => {
    const { coalescer, calls } = recorded();

    const later = Promise.resolve().then(() => coalescer.get('c'));
    const found = await Promise.all([coalescer.get('a'), coalescer.get('b'), coalescer.get('a'), later]);

    expect(found).toEqual(['A', 'B', 'A', 'C']);
    expect(calls).toEqual([['a', 'b', 'c']]);
  });

  it('asks again for what is asked later: it remembers nothing', async () => {
    const { coalescer, calls } = recorded();

    await coalescer.get('a');
    await coalescer.get('a');

    expect(calls).toEqual([['a'], ['a']]);
  });

  it('does not wait for a call that is under way', async () => {
    const { coalescer, calls } = recorded((keys) =>
      keys.includes('slow') ? new Promise(() => undefined) : Promise.resolve(['A']),
    );
    void coalescer.get('slow');
    await turn();

    expect(await coalescer.get('a')).toBe('A');
    expect(calls).toEqual([['slow'], ['a']]);
  });

  it('lets nobody but those who asked for it wait for an answer that is a promise, or hear that it failed', async () => {
    const { coalescer } = recorded((keys) =>
      Promise.resolve(keys.map((key) => (key === 'a' ? 'A' : Promise.reject(new Error(`no ${key}`))))),
    );

    const [found, failed] = await Promise.allSettled([coalescer.get('a'), coalescer.get('b')]);

    expect(found).toEqual({ status: 'fulfilled', value: 'A' });
    expect(failed).toMatchObject({ status: 'rejected', reason: new Error('no b') });
  });

  it.each([
    ['rejects', (): Promise<never> => Promise.reject(new Error('away'))],
    [
      'throws',
      (): Promise<never> => {
        throw new Error('away');
      },
    ],
  ])('tells everybody who asked when the call %s, and asks anew afterwards', async (_how, fail) => {
    let answer: Load = fail;
    const { coalescer } = recorded((keys) => answer(keys));

    const failed = await Promise.allSettled([coalescer.get('a'), coalescer.get('a'), coalescer.get('b')]);
    answer = () => Promise.resolve(['A']);

    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await coalescer.get('a')).toBe('A');
  });

  it('asks for at most five hundred keys a call; one call that fails fails nobody else', async () => {
    const { coalescer, calls } = recorded((keys) =>
      keys.includes('k0') ? Promise.reject(new Error('away')) : Promise.resolve([...keys]),
    );

    const keys = Array.from({ length: 1_250 }, (_none, index) => `k${index}`);
    const found = await Promise.allSettled(keys.map((key) => coalescer.get(key)));

    expect(calls.map(({ length }) => length)).toEqual([500, 500, 250]);
    expect(found.map(({ status }) => status === 'fulfilled')).toEqual(keys.map((_key, index) => index >= 500));
  });
});
