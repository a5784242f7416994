/** Who wants to count what the budget monitor does; it must be quick and never throw. */
export interface BudgetObserver {
  /** A campaign was paused; `latencyMs` is from the timestamp of the click that crossed to the committed pause. */
  paused(latencyMs: number): void;
  /** Money was charged above a day's budget, a decimal. */
  overspent(amount: string): void;
}

/** What others hang into the budget monitor; each registers itself when its module starts. */
export class BudgetHooks implements BudgetObserver {
  private readonly observers: BudgetObserver[] = [];

  observe(observer: BudgetObserver): void {
    this.observers.push(observer);
  }

  paused(latencyMs: number): void {
    for (const observer of this.observers) observer.paused(latencyMs);
  }

  overspent(amount: string): void {
    for (const observer of this.observers) observer.overspent(amount);
  }
}
