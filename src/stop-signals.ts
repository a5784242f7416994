export const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** An orchestrator kills after 10 s; what could not finish by then is redelivered elsewhere. */
const STOP_WITHIN_MS = 9_500;

/** There is an application, which drains at a signal and then ends the process itself. */
let drains = false;
let stopping = false;

/** Before anything is in hand the first signal ends the process; later it starts the clock, and a second one ends it at once. */
export function obeyStopSignals(): void {
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (!drains) process.exit(0);
      if (stopping) process.exit(1);
      stopping = true;
      setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    });
  }
}

export function drainsAtSignals(): void {
  drains = true;
}
