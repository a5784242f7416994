import { ConfigError, loadMigrationDatabaseUrl } from '../config/config.js';
import { describeDatabaseError } from '../platform/database/database-errors.js';
import { redact } from '../platform/logging/redact.js';
import { migrateDatabase } from './migrate-database.js';

const UNDO = '--undo';
const words = process.argv.slice(2);
const unknown = words.find((word) => word !== UNDO);

// `npm run migrate`: it must work before anything else is configured, so it looks at nothing but the database's URL.
try {
  if (unknown !== undefined) throw new Error(`unknown argument ${unknown}; there is only ${UNDO}: one step back`);
  await migrateDatabase({
    databaseUrl: loadMigrationDatabaseUrl(),
    undo: words.includes(UNDO),
    say: (line) => process.stdout.write(`${line}\n`),
  });
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : `migrate: ${redact(describeDatabaseError(error))}`}\n`,
  );
  process.exitCode = 1;
}
