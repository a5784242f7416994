import { defineConfig } from 'vitest/config';

/** Real servers answer in milliseconds; a test that waits this long has failed. */
const TEST_TIMEOUT_MS = 60_000;

const frontDoor = {
  setupFiles: ['test/support/metadata.ts', 'test/support/end-with-run.ts'],
  testTimeout: TEST_TIMEOUT_MS,
  hookTimeout: 120_000,
};

/** What asks most of Postgres, again on another major version than the one that all else runs on. */
const onPostgres = (version: string) => ({
  extends: true as const,
  test: {
    ...frontDoor,
    name: `Postgres ${version}`,
    include: ['postgres', 'migrations', 'data-model', 'ledger-model', 'ledger-charging'].map(
      (name) => `test/${name}.test.ts`,
    ),
    env: { STACK_POSTGRES: version },
    globalSetup: ['test/support/postgres-line.ts'],
  },
});

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'logic',
          include: [
            'src/**/*.spec.ts',
            'bench/*.spec.ts',
            'test/chaos/*.spec.ts',
            'test/deploy/*.spec.ts',
            'test/docs/*.spec.ts',
          ],
          setupFiles: ['test/support/metadata.ts'],
        },
      },
      {
        extends: true,
        test: {
          ...frontDoor,
          name: 'front door',
          include: ['test/**/*.test.ts'],
          globalSetup: ['test/support/shared-world.ts'],
        },
      },
      onPostgres('15'),
      onPostgres('18'),
    ],
    maxWorkers: 2,
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
