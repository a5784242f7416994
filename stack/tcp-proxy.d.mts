/** The network between clients and one server: slow, silent as if the server were stopped, cut, or another than it says. */
export class TcpProxy {
  /** `delayMs` as in `delay`; `host` is this machine where it is not said. */
  static open(target: { port: number; host?: string; delayMs?: number }): Promise<TcpProxy>;
  readonly port: number;
  /** All that passes is so late, each way; 0 is as usual. */
  delay(ms: number): void;
  /** Connections stay open, nothing comes through. */
  silence(): void;
  /** Ends all connections; new ones are ended at once. */
  cut(): void;
  /** Whatever the server answers, clients read something else. */
  garble(): void;
  /** All is as usual again; what was held back by silence goes on. */
  mend(): void;
  close(): Promise<void>;
}
