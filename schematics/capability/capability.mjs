import { apply, applyTemplates, mergeWith, strings, url } from '@angular-devkit/schematics';
import { format, resolveConfig } from 'prettier';
import { withModule, withTopic } from './edits.mjs';
import { checkNames, refuse } from './names.mjs';

const APP_MODULE = 'src/app.module.ts';
const TOPICS = 'stack/topics.mjs';

/**
 * A folder in `src/`, its test, and the two lines that take it in.
 *
 * @param {{ name: string, topic: string }} options
 * @returns {import('@angular-devkit/schematics').Rule}
 */
export function capability({ name, topic }) {
  return async (tree) => {
    checkNames(name, topic);
    const taken = [`src/${name}`, `test/${name}.test.ts`].find((path) => exists(tree, path));
    if (taken) refuse(`${taken} exists already`);

    const className = strings.classify(name);
    tree.overwrite(APP_MODULE, withModule(tree.readText(APP_MODULE), { className, name }));
    tree.overwrite(TOPICS, withTopic(tree.readText(TOPICS), topic));
    return mergeWith(apply(url('./files'), [applyTemplates({ name, topic, className }), formatted]));
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
