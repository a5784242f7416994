// What docs/guarantees.md promises names the tests that hold it: each is there under that title, and is run.
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { quotedIn, textOf } from '../support/pages.js';

const PAGE = 'docs/guarantees.md';
const TEST = /^- `(\S+\.(?:test|spec)\.ts)`: (.+)$/;

/** A promise is a section of the third level. */
const promises = textOf(PAGE)
  .split(/^### /m)
  .slice(1)
  .map((text) => {
    const [title = '', ...lines] = (text.split(/^## /m)[0] ?? '').split('\n');
    return {
      title,
      tests: lines.flatMap((line) => (TEST.exec(line) ? [TEST.exec(line)?.slice(1) as [string, string]] : [])),
    };
  });

/** Titles of the `it` and `it.each` of a file; one that is skipped or only one of many is none. */
function titlesIn(path: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTest(node.expression)) {
      const [title] = node.arguments;
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.push(title.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest));
  return titles;
}

/** `it`, or `it.each(…)` with whatever types. */
function isTest(callee: ts.Node): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it';
  if (!ts.isCallExpression(callee) || !ts.isPropertyAccessExpression(callee.expression)) return false;
  const { expression, name } = callee.expression;
  return name.text === 'each' && ts.isIdentifier(expression) && expression.text === 'it';
}

describe('a promise', () => {
  it.each(promises)('$title: its tests are there', ({ tests }) => {
    const missing = tests.filter(([path, title]) => !titlesIn(path).includes(title));

    expect(tests.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });

  it('names no test in another way', () => {
    const named = promises.reduce((count, { tests }) => count + tests.length, 0);

    expect(quotedIn(PAGE).filter((text) => /\.(test|spec)\.ts$/.test(text))).toHaveLength(named);
  });
});
