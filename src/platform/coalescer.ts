/** Keys of one call; more wait for the next. */
const MAX_KEYS = 500;

interface Asked<V> {
  readonly promise: Promise<V>;
  readonly resolve: (value: V | PromiseLike<V>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what is asked for within one turn of the event loop into one call: the handlers of a chunk each ask for one key,
 * and one round trip answers them all. A key that is asked for twice is looked up once.
 */
export class Coalescer<K, V> {
  private asked = new Map<K, Asked<V>>();

  /** @param load answers in the order of the keys; an answer may be a promise, which only those wait for who asked for its key */
  constructor(private readonly load: (keys: readonly K[]) => Promise<readonly (V | PromiseLike<V>)[]>) {}

  get(key: K): Promise<V> {
    const before = this.asked.get(key);
    if (before !== undefined) return before.promise;
    if (this.asked.size === 0) {
      setImmediate(() => {
        this.flush();
      });
    }
    let resolve!: Asked<V>['resolve'];
    let reject!: Asked<V>['reject'];
    const promise = new Promise<V>((onValue, onError) => {
      resolve = onValue;
      reject = onError;
    });
    this.asked.set(key, { promise, resolve, reject });
    return promise;
  }

  private flush(): void {
    const [keys, asked] = [[...this.asked.keys()], [...this.asked.values()]];
    this.asked = new Map();
    for (let at = 0; at < keys.length; at += MAX_KEYS) {
      void this.call(keys.slice(at, at + MAX_KEYS), asked.slice(at, at + MAX_KEYS));
    }
  }

  private async call(keys: readonly K[], asked: readonly Asked<V>[]): Promise<void> {
    try {
      const answers = await this.load(keys);
      for (const [i, { resolve }] of asked.entries()) resolve(answers[i] as V | PromiseLike<V>);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
