import { defineConfig } from 'vitest/config';

/** For `npm run mutants`: the specs of the logic that is changed there, and nothing that needs a server. */
export default defineConfig({
  test: { include: ['src/{ledger,platform/kafka}/*.spec.ts'], setupFiles: ['test/support/metadata.ts'] },
});
