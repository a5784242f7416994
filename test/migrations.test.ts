import { describe, expect, it } from 'vitest';
import { migrateDatabase } from '../src/cli/migrate-database.js';
import { MIGRATIONS } from '../src/platform/database/migrations.js';
import { useDatabase, withClient } from './support/database.js';

const database = useDatabase({ migrated: false });
const second = useDatabase({ migrated: false });
const third = useDatabase({ migrated: false });

async function migrate(databaseUrl: string, undo = false): Promise<string[]> {
  const said: string[] = [];
  await migrateDatabase({ databaseUrl, undo, say: (line) => said.push(line) });
  return said;
}

describe('migrate', () => {
  it('goes up, all the way down step by step, and up again', async () => {
    const up = await migrate(database.ownerUrl);
    const tables = await tablesOf(database.ownerUrl);

    for (const migration of [...MIGRATIONS].reverse()) {
      expect(await migrate(database.ownerUrl, true)).toEqual([`undone: ${migration.name}`]);
    }
    const [left, nothing] = [await leftovers(database.ownerUrl), await migrate(database.ownerUrl, true)];
    const upAgain = await migrate(database.ownerUrl);

    expect(left).toEqual({ tables: ['migrations'], functions: [] });
    expect(nothing).toEqual(['nothing to undo']);
    expect(upAgain).toEqual(up);
    expect(await tablesOf(database.ownerUrl)).toEqual(tables);
    expect(await migrate(database.ownerUrl)).toEqual(['nothing to migrate: the database is up to date']);
  });

  it('is done once when several replicas start at the same time, in two databases of one cluster', async () => {
    const urls = [second.ownerUrl, third.ownerUrl, second.ownerUrl, third.ownerUrl, second.ownerUrl];

    const said = (await Promise.all(urls.map((url) => migrate(url)))).flat();

    expect(said.filter((line) => line.startsWith('migrated: '))).toHaveLength(2 * MIGRATIONS.length);
    expect(await tablesOf(second.ownerUrl)).toEqual(await tablesOf(third.ownerUrl));
  });

  it('rejects with the database’s own reason', async () => {
    const gone = new URL(database.ownerUrl);
    gone.pathname = '/nowhere';

    await expect(migrate(gone.toString())).rejects.toThrow('database "nowhere" does not exist');
  });
});

const tablesOf = async (url: string) => (await leftovers(url)).tables;

async function leftovers(url: string): Promise<{ tables: string[]; functions: string[] }> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ tables: string[]; functions: string[] }>(
      `select array(select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
                    order by 1) as tables,
              array(select proname::text from pg_proc where pronamespace = 'public'::regnamespace) as functions`,
    );
    return rows[0] ?? { tables: [], functions: [] };
  });
}
