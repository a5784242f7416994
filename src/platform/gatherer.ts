import { setImmediate as nextTurn } from 'node:timers/promises';

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One call at a time; what gathers while it is away is the next. An idle one calls at once, a busy one grows its groups
 * and not its queue of calls.
 */
export class Gatherer<T, R = void> {
  private readonly waiting: Waiting<T, R>[] = [];
  private running: Promise<void> | undefined;

  /**
   * @param call does something to a group as a whole, and answers with what gives each its result: asked once for each, in
   *   the order of the group
   * @param fits how many from the front make the next group, at least one
   * @param isolates whether an error of a group may be the fault of one of them: then each is called alone
   */
  constructor(
    private readonly call: (group: readonly T[]) => Promise<(item: T) => R>,
    private readonly fits: (waiting: readonly T[]) => number,
    private readonly isolates: (error: unknown) => boolean = () => false,
  ) {}

  /** Resolves when a call that had it in its group has; rejects with what that call threw. */
  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.run();
    });
  }

  private async run(): Promise<void> {
    await nextTurn(); // handlers that run together arrive in one turn of the event loop
    while (this.waiting.length > 0) {
      const count = Math.max(1, this.fits(this.waiting.map(({ item }) => item)));
      await this.settle(this.waiting.splice(0, count));
    }
    this.running = undefined;
  }

  private async settle(group: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const resultOf = await this.call(group.map(({ item }) => item));
      for (const { item, resolve } of group) resolve(resultOf(item));
    } catch (error) {
      if (group.length > 1 && this.isolates(error)) {
        for (const each of group) await this.settle([each]);
      } else {
        for (const { reject } of group) reject(error);
      }
    }
  }
}
