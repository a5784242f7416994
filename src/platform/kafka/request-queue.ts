import { createRequire } from 'node:module';

interface RequestQueue {
  throttledUntil: number;
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

const require = createRequire(import.meta.url); // the file has no types to import it with
const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
const schedule = prototype.scheduleCheckPendingRequests;

/**
 * kafkajs asks for a timer that went off in 1970 where no broker throttles it. Node takes that for one of 1 ms, but since
 * Node 24 says so between the lines of the log. This asks for the same timer without.
 */
export function mendRequestQueue(): void {
  prototype.scheduleCheckPendingRequests = function () {
    this.throttledUntil = Math.max(this.throttledUntil, Date.now());
    schedule.call(this);
  };
}
