/** Keys of one call; more wait for the next. */
const MAX_KEYS = 500;

interface Asked<V> {
  readonly promise: Promise<V>;
  readonly resolve: (value: V) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what is asked for within one turn of the event loop into one call: the handlers of a chunk each ask for one key,
 * and one round trip answers them all. A key that is asked for twice is looked up once.
 */
export class Coalescer<K, V> {
  private asked = new Map<K, Asked<V>>();

  constructor(
    private readonly load: (keys: K[]) => Promise<ReadonlyMap<K, V>>,
    private readonly absent: V,
  ) {}

  get(key: K): Promise<V> {
    const before = this.asked.get(key);
    if (before !== undefined) return before.promise;
    if (this.asked.size === 0) setImmediate(() => void this.flush());
    let resolve!: (value: V) => void;
    let reject!: (error: unknown) => void;
    const promise = new Promise<V>((onValue, onError) => {
      resolve = onValue;
      reject = onError;
    });
    this.asked.set(key, { promise, resolve, reject });
    return promise;
  }

  private async flush(): Promise<void> {
    const all = [...this.asked];
    this.asked = new Map();
    const calls: Promise<void>[] = [];
    for (let at = 0; at < all.length; at += MAX_KEYS) calls.push(this.call(new Map(all.slice(at, at + MAX_KEYS))));
    await Promise.all(calls);
  }

  private async call(asked: ReadonlyMap<K, Asked<V>>): Promise<void> {
    try {
      const found = await this.load([...asked.keys()]);
      for (const [key, { resolve }] of asked) resolve(found.has(key) ? (found.get(key) as V) : this.absent);
    } catch (error) {
      for (const { reject } of asked.values()) reject(error);
    }
  }
}
