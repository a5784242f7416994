import { createRequire } from 'node:module';

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests: () => void;
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/** As in kafkajs. */
const PENDING_CHECK_MS = 10;

const require = createRequire(import.meta.url); // the file has no types to import it with
const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };

/**
 * kafkajs asks for a timer that went off in 1970 where no broker throttles it and nothing is pending. Node takes that for one
 * of 1 ms, but since Node 24 says so between the lines of the log. This is kafkajs's own method, but for that.
 */
export function mendRequestQueue(): void {
  prototype.scheduleCheckPendingRequests = function () {
    if (this.throttleCheckTimeoutId !== null) return;
    const throttledMs = this.throttledUntil - Date.now();
    const otherwiseMs = this.pending.length > 0 ? PENDING_CHECK_MS : 1;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : otherwiseMs,
    );
  };
}
