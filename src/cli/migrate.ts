import { describeDatabaseError } from '../platform/database/database-errors.js';
import { migrateDatabase } from './migrate-database.js';

/** `npm run migrate`: it must work before anything else is configured, so it looks at nothing but the database's URL. */
const databaseUrl = process.env['MIGRATION_DATABASE_URL'] ?? process.env['DATABASE_URL'] ?? '';

try {
  if (!/^postgres(ql)?:$/.test(protocolOf(databaseUrl))) {
    throw new Error('MIGRATION_DATABASE_URL, else DATABASE_URL, must be like postgres://user:password@host:5432/name');
  }
  await migrateDatabase({
    databaseUrl,
    undo: process.argv.includes('--undo'),
    say: (line) => process.stdout.write(`${line}\n`),
  });
} catch (error) {
  process.stderr.write(`migrate: ${describeDatabaseError(error)}\n`);
  process.exitCode = 1;
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}
