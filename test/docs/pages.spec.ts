// What the pages name is there: files, other pages, classes, rules. What they say of it is for whoever reads them.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { brokenLinksOf, FILES, missingFilesOf, PAGES, quotedIn, textOf } from '../support/pages.js';

const SOURCE = FILES.filter((path) => /^(src|migrations)\/.*(?<!\.spec)\.ts$/.test(path))
  .map(textOf)
  .join('\n');

describe('a page', () => {
  it('is one of many', () => {
    expect(PAGES).toEqual(
      expect.arrayContaining(['README.md', 'docs/operations.md', 'docs/decisions/0005-ids-and-money.md']),
    );
  });

  it.each(PAGES)('%s links to what is there', (page) => {
    expect(brokenLinksOf(page)).toEqual([]);
  });

  it.each(PAGES)('%s names files that are there', (page) => {
    expect(missingFilesOf(page)).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  const page = 'docs/architecture.md';

  it('names every folder of src', () => {
    const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());

    expect(quotedIn(page)).toEqual(expect.arrayContaining(folders.map(({ name }) => `src/${name}/`)));
  });

  it('names every rule of imports', () => {
    const rules = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as { forbidden: { name: string }[] };

    expect(quotedIn(page)).toEqual(expect.arrayContaining(rules.forbidden.map(({ name }) => name)));
  });

  it('names classes that there are', () => {
    const classes = quotedIn(page).filter((text) => /^[A-Z][a-z]+[A-Z]\w*$/.test(text));

    expect(classes.length).toBeGreaterThan(30);
    expect(classes.filter((name) => !new RegExp(`\\bclass ${name}\\b`).test(SOURCE))).toEqual([]);
  });
});
