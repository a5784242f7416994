import { defineConfig } from 'vitest/config';

/** Real servers answer in milliseconds; a test that waits this long has failed. */
const TEST_TIMEOUT_MS = 60_000;

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'logic',
          include: ['src/**/*.spec.ts', 'test/chaos/*.spec.ts', 'test/deploy/*.spec.ts', 'test/docs/*.spec.ts'],
          setupFiles: ['test/support/metadata.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'front door',
          include: ['test/**/*.test.ts'],
          setupFiles: ['test/support/metadata.ts', 'test/support/end-with-run.ts'],
          globalSetup: ['test/support/shared-world.ts'],
          testTimeout: TEST_TIMEOUT_MS,
          hookTimeout: 120_000,
        },
      },
    ],
    maxWorkers: 2,
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
