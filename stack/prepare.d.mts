/** Brings `node_modules` and, with `build` (the default), `dist` up to date. Safe to call from several processes at once. */
export function prepare(options?: { build?: boolean; log?: (line: string) => void }): Promise<void>;
