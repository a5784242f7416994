/** Stands between a client and its server, and can hang as a stopped server does: connections open, nothing answers. What passes may be late. */
export interface TcpProxy {
  readonly port: number;
  freeze(): void;
  /** What was under way goes on. */
  thaw(): void;
  close(): Promise<void>;
}

/** `delayMs` is how late all is that passes, each way. */
export function openTcpProxy(target: { host: string; port: number; delayMs?: number }): Promise<TcpProxy>;
