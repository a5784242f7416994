import type { Topic } from './stack.mjs';

/** Topics that other systems write, and that a stack makes in their place. */
export const FOREIGN_TOPICS: Topic[];
