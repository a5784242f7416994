/**
 * Topics that other systems write, and so make: in a stack their part is played by it. A topic that a capability reads
 * belongs here; the Worker is not ready while one is missing.
 *
 * @type {import('./stack.mjs').Topic[]}
 */
export const FOREIGN_TOPICS = [
  { topic: 'ad-events', partitions: 3 },
  { topic: 'compensation-events', partitions: 3 },
];
