import { apply, applyTemplates, chain, mergeWith, strings, url } from '@angular-devkit/schematics';
import { format, resolveConfig } from 'prettier';
import { withMigration, withModule, withTopic } from './edits.mjs';
import { checkNames, checkTable, refuse } from './names.mjs';

const APP_MODULE = 'src/app.module.ts';
const TOPICS = 'stack/topics.mjs';
const MIGRATIONS = 'src/platform/database/migrations.ts';

/**
 * A folder in `src/`, its test, and the two lines that take it in; with `table` a migration too.
 *
 * @param {{ name: string, topic: string, table?: string }} options
 * @returns {import('@angular-devkit/schematics').Rule}
 */
export function capability({ name, topic, table }) {
  return async (tree) => {
    checkNames(name, topic);
    const taken = [`src/${name}`, `test/${name}.test.ts`].find((path) => exists(tree, path));
    if (taken) refuse(`${taken} exists already`);

    const className = strings.classify(name);
    tree.overwrite(APP_MODULE, withModule(tree.readText(APP_MODULE), { className, name }));
    tree.overwrite(TOPICS, withTopic(tree.readText(TOPICS), topic));
    const files = mergeWith(apply(url('./files'), [applyTemplates({ name, topic, className }), formatted]));
    return table === undefined ? files : chain([files, migration({ name, table })]);
  };
}

/**
 * Creates the table, and gives the Worker its rights on it.
 *
 * @param {{ name: string, table: string }} options
 * @returns {import('@angular-devkit/schematics').Rule}
 */
function migration({ name, table }) {
  return (tree) => {
    checkTable(table);
    const folder = tree.getDir('migrations');
    const made = folder.subfiles.find((file) => folder.file(file).content.includes(`create table ${table} (`));
    if (made) refuse(`migrations/${made} creates the table ${table} already`);
    const source = tree.readText(MIGRATIONS);
    // TypeORM runs what is new by these numbers, which are milliseconds; a clock that is behind puts nothing before the last.
    const numbers = [...source.matchAll(/\/(\d+)-[\w-]+\.js'/g)].map(([, number]) => Number(number));
    const timestamp = Math.max(Date.now(), ...numbers.map((number) => number + 1));
    const fileName = table.replaceAll('_', '-');
    const migrationName = `Create${strings.classify(table)}${timestamp}`;
    const path = `${timestamp}-create-${fileName}`;
    tree.overwrite(MIGRATIONS, withMigration(source, { migrationName, path }));
    return mergeWith(
      apply(url('./migration'), [applyTemplates({ name, table, fileName, timestamp, migrationName }), formatted]),
    );
  };
}

/** A folder has no entry of its own in a tree. */
const exists = (tree, path) => tree.exists(path) || tree.getDir(path).subfiles.length > 0;

/** Where a line breaks depends on how long the names are. @type {import('@angular-devkit/schematics').Rule} */
async function formatted(tree) {
  const settings = await resolveConfig(`${process.cwd()}/${APP_MODULE}`);
  const paths = [];
  tree.visit((path) => paths.push(path));
  for (const path of paths) {
    tree.overwrite(path, await format(tree.readText(path), { ...settings, filepath: path }));
  }
}
