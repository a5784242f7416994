import { refuse } from './names.mjs';

/**
 * `app.module.ts` with one more capability: its import among the others by path, its line behind the last capability.
 *
 * @param {string} source
 * @param {{ className: string, name: string }} capability
 */
export function withModule(source, { className, name }) {
  if (new RegExp(`\\b${className}Module\\b`).test(source)) refuse(`src/app.module.ts has a ${className}Module already`);
  const imports = `import { ${className}Module } from './${name}/${name}.module.js';\n`;
  const lines = source.split(/(?<=\n)/);
  const behind = lines.findIndex((line) => pathOf(line) > pathOf(imports));
  const at = behind < 0 ? lines.findLastIndex((line) => line.startsWith('import ')) + 1 : behind;
  const imported = lines.toSpliced(at, 0, imports).join('');
  return insertBehind(
    imported,
    /\/\/ Capabilities.*\n(?: +\w+Module,\n)+/,
    `    ${className}Module,\n`,
    'src/app.module.ts',
  );
}

/**
 * `stack/topics.mjs` with one more topic.
 *
 * @param {string} source
 * @param {string} topic
 */
export function withTopic(source, topic) {
  if (source.includes(`topic: '${topic}'`)) refuse(`the topic ${topic} has its events described already`);
  return insertBehind(
    source,
    /= \[\n(?: +\{.*\},\n)+/,
    `  { topic: '${topic}', partitions: 3 },\n`,
    'stack/topics.mjs',
  );
}

/**
 * `migrations.ts` with one more migration, the newest.
 *
 * @param {string} source
 * @param {{ migrationName: string, path: string }} migration
 */
export function withMigration(source, { migrationName, path }) {
  const file = 'src/platform/database/migrations.ts';
  const imports = `import { ${migrationName} } from '../../../migrations/${path}.js';\n`;
  const imported = insertBehind(source, /^(?:import .*\n)+/, imports, file);
  return insertBehind(imported, /= \[\n(?: +\w+,\n)+/, `  ${migrationName},\n`, file);
}

/** The path of a local import, `''` elsewhere: packages stand first. @param {string} line */
function pathOf(line) {
  return /^import .* from '(\.\/.*)';$/.exec(line.trim())?.[1] ?? '';
}

/** @param {string} source @param {RegExp} list @param {string} line @param {string} file */
function insertBehind(source, list, line, file) {
  if (!list.test(source)) refuse(`${file} is not as it was: no list in it to add to`);
  return source.replace(list, (found) => found + line);
}
