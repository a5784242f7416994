// README.ko.md says what README.md says: as far as a machine sees, in headings, code, names, figures and links.
import { describe, expect, it } from 'vitest';
import { quotedIn, textOf } from '../support/pages.js';

const [ENGLISH, KOREAN] = ['README.md', 'README.ko.md'];

const find = (page: string, what: RegExp): string[] => [...textOf(page).matchAll(what)].map(([found]) => found);
/** Another language has another order of words. */
const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].toSorted();
const headingsOf = (page: string): string[] => find(page, /^#+(?= )/gm);
const itemsOf = (page: string): string[] => find(page, /^- /gm);
const codeOf = (page: string): string[] => find(page, /^ {4}.*$/gm);
const linksOf = (page: string): string[] => find(page, /\]\([^)]+\)/g).filter((link) => !link.includes('README'));

describe('README.ko.md', () => {
  it('has the headings and lists of README.md', () => {
    expect(headingsOf(KOREAN)).toEqual(headingsOf(ENGLISH));
    expect(headingsOf(ENGLISH).length).toBeGreaterThan(5);
    expect(itemsOf(KOREAN)).toHaveLength(itemsOf(ENGLISH).length);
  });

  it('has its code blocks as they are', () => {
    expect(codeOf(KOREAN)).toEqual(codeOf(ENGLISH));
    expect(codeOf(ENGLISH).length).toBeGreaterThan(10);
  });

  it('names what it names, and links to the same pages', () => {
    expect(sorted(quotedIn(KOREAN))).toEqual(sorted(quotedIn(ENGLISH)));
    expect(sorted(linksOf(KOREAN))).toEqual(sorted(linksOf(ENGLISH)));
  });

  it('has its figures', () => {
    const figures = find(ENGLISH, /\d[\d.,]*\d/g);

    expect(find(KOREAN, /\d[\d.,]*\d/g)).toEqual(expect.arrayContaining(figures));
    expect(figures.length).toBeGreaterThan(20);
  });

  it('is linked from there, and back', () => {
    expect(textOf(ENGLISH).split('\n')[2]).toContain('](README.ko.md)');
    expect(textOf(KOREAN).split('\n')[2]).toContain('](README.md)');
  });
});
