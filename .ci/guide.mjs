// Writes the code of docs/adding-a-capability.md into the project, as its reader would: a block whose first line names a
// file is that file, one that names a line too goes behind it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const BLOCK =
  /^```\w+\n(?:\/\/|<!--) (?<path>[\w./-]+\/[\w.-]+)(?:, behind (?<anchor>.*?))?(?: -->)?\n(?<body>[^]*?)^```$/gm;
/** Stands for the number of a migration, which is made when it is generated. */
const NUMBER = 'NUMBER';

const guide = readFileSync('docs/adding-a-capability.md', 'utf8');
for (const { groups } of guide.matchAll(BLOCK)) {
  const path = numbered(groups.path);
  // A blank line behind the name of the file is there for the eye.
  const body = groups.body.replace(/^\n/, '').replaceAll(NUMBER, numberOf(path));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, groups.anchor === undefined ? body : insertBehind(path, groups.anchor, body));
  console.log(path);
}

function numbered(path) {
  if (!path.includes(NUMBER)) return path;
  const [before, behind] = path.split('/').at(-1).split(NUMBER);
  const name = readdirSync(dirname(path)).find((each) => each.startsWith(before) && each.endsWith(behind));
  if (name === undefined) throw new Error(`there is no ${path}`);
  return `${dirname(path)}/${name}`;
}

/** Of a migration; elsewhere the word is no code, and stays. */
function numberOf(path) {
  return /\/(\d+)-[^/]*$/.exec(path)?.[1] ?? NUMBER;
}

function insertBehind(path, anchor, body) {
  const lines = readFileSync(path, 'utf8').split(/(?<=\n)/);
  const at = lines.flatMap((line, i) => (line.trim().startsWith(anchor) ? [i] : []));
  if (at.length !== 1) throw new Error(`${at.length} lines of ${path} begin with ${anchor}`);
  return lines.toSpliced(at[0] + 1, 0, body).join('');
}
