import { ConfigError, loadMigrationDatabaseUrl } from '../config/config.js';
import { describeDatabaseError } from '../platform/database/database-errors.js';
import { migrateDatabase } from './migrate-database.js';

// `npm run migrate`: it must work before anything else is configured, so it looks at nothing but the database's URL.
try {
  await migrateDatabase({
    databaseUrl: loadMigrationDatabaseUrl(),
    undo: process.argv.includes('--undo'),
    say: (line) => process.stdout.write(`${line}\n`),
  });
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : `migrate: ${describeDatabaseError(error)}`}\n`,
  );
  process.exitCode = 1;
}
