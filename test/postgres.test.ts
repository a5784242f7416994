import { env } from 'node:process';
import { expect, it } from 'vitest';
import { useDatabase } from './support/database.js';

const database = useDatabase({ migrated: false });

it('the database is of the major version that was asked for', async () => {
  const [row] = await database.query<{ server_version: string }>('show server_version');

  expect(row?.server_version.split('.')[0]).toBe(env['STACK_POSTGRES'] ?? '17');
});
