// docs/data-model.md says what the migrated database has: each table and column with its type, each function, each right.
import { describe, expect, it } from 'vitest';
import { useDatabase } from './support/database.js';
import { textOf } from './support/pages.js';

const PAGE = textOf('docs/data-model.md');
/** What follows a title of the page, up to the next one. */
const sections = new Map(
  PAGE.split(/^##+ /m).map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);
const rowsOf = (title: string): string[][] =>
  [...(sections.get(title) ?? '').matchAll(/^\| `(\w+)` +\| ([^|]*) \| ([^|]*)/gm)].map((row) =>
    row.slice(1).map((cell) => cell.trim()),
  );

const TABLES = `
  select c.oid, c.relname as table from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`;

describe('docs/data-model.md', () => {
  const database = useDatabase();

  it('has every table with its columns and their types, and no other', async () => {
    const columns = await database.query<{ table: string; name: string; type: string }>(
      `select t.table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
       from (${TABLES}) t join pg_attribute a on a.attrelid = t.oid
       where a.attnum > 0 and not a.attisdropped order by t.table, a.attname`,
    );
    const tables = [...new Set(columns.map(({ table }) => table))];
    const documented = tables.flatMap((table) =>
      rowsOf(table)
        .map(([name = '', type = '']) => ({ table, name, type }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );

    expect(documented).toEqual(columns);
    expect([...PAGE.matchAll(/^### (.+)$/gm)].map(([, title]) => title).toSorted()).toEqual(tables);
  });

  it('has every table in its diagram, and every foreign key as a full line', async () => {
    const [, diagram = ''] = /```mermaid\n([\s\S]*?)```/.exec(PAGE) ?? [];
    const tables = await database.query<{ table: string }>(TABLES);
    const keys = await database.query<{ line: string }>(
      `select confrelid::regclass || ' ' || conrelid::regclass as line from pg_constraint
       where contype = 'f' and connamespace = 'public'::regnamespace`,
    );
    const lines = [...diagram.matchAll(/^ {2}(\w+) \S+--\S+ (\w+)/gm)].map(([, from, to]) => `${from} ${to}`);

    expect(lines.toSorted()).toEqual(keys.map(({ line }) => line).toSorted());
    for (const { table } of tables) expect(diagram).toMatch(new RegExp(`\\b${table}\\b`));
  });

  it('has every function, and who may call it', async () => {
    const functions = await database.query<{ name: string; callers: string }>(
      `select p.proname as name, array_to_string(array(
         select r from unnest(array['worker', 'billing']) r where has_function_privilege(r, p.oid, 'execute')), ', ') as callers
       from pg_proc p where p.pronamespace = 'public'::regnamespace order by p.proname`,
    );

    expect(
      rowsOf('Functions')
        .map(([name, callers]) => ({ name, callers }))
        .toSorted((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
    ).toEqual(functions);
  });

  it('has the rights of worker and billing on each table, and those of no one else', async () => {
    const rights = await database.query<{ table: string; worker: string; billing: string }>(
      `select t.table, rights_of('worker', t.oid) as worker, rights_of('billing', t.oid) as billing
       from (${TABLES}) t order by t.table`.replaceAll(/rights_of\(('\w+'), t\.oid\)/g, rightsOf),
    );
    const others = await database.query(
      `select grantee, table_name from information_schema.role_table_grants
       where table_schema = 'public' and grantee not in ('worker', current_user)`,
    );

    expect(rowsOf('Rights').map(([table, worker, billing]) => ({ table, worker, billing }))).toEqual(rights);
    expect(others).toEqual([]);
  });
});

/** SQL for what a role may do to a table `t`: all of it, or in brackets some columns. */
function rightsOf(_call: string, role: string): string {
  return `array_to_string(array(
    select case when has_table_privilege(${role}, t.oid, p) then p else p || ' (' || columns || ')' end
    from unnest(array['select', 'insert', 'update', 'delete', 'truncate']) with ordinality u (p, place)
    cross join lateral (
      select string_agg(a.attname, ', ' order by a.attname) as columns from pg_attribute a
      where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and p in ('select', 'insert', 'update')
        and has_column_privilege(${role}, t.oid, a.attnum, case when p in ('delete', 'truncate') then 'select' else p end)
    ) c
    where has_table_privilege(${role}, t.oid, p) or columns is not null
    order by place), ', ')`;
}
