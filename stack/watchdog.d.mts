/** Ends what it watches, and removes its folder, when the process that made it has ended, in whatever way. */
export class Watchdog {
  constructor(folder: string);
  /** With a signal the process gets that, and a few seconds before SIGKILL; else SIGKILL at once. */
  watch(pid: number, quitSignal?: NodeJS.Signals): void;
  /** It has ended by itself: its pid may soon be another's. */
  forget(pid: number): void;
}
