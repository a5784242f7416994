import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Whoever watches the Worker sends a few hundred bytes at once; a connection that takes longer holds a place for nothing. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  maxConnections: 256,
  maxRequestsPerSocket: 1_000,
  /** Node looks only twice a minute for requests that take too long. Heeded when the server begins to listen. */
  connectionsCheckingInterval: 1_000,
} as const;

export function limitHttp(server: Server): void {
  Object.assign(server, LIMITS);
}

/** No route reads a body: one that is announced is refused before it arrives, and the connection with it. */
export function refuseBodies(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length) === 0) {
    next();
    return;
  }
  response.writeHead(413, { connection: 'close' }).end();
}
