import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const HIDDEN_FROM_READERS = new Set(['node_modules', 'dist', '.git']);

/** Files of the repository, by their paths from its root. */
export const FILES: readonly string[] = readdirSync('.', { withFileTypes: true }).flatMap((entry) => {
  if (HIDDEN_FROM_READERS.has(entry.name)) return [];
  if (!entry.isDirectory()) return [entry.name];
  return readdirSync(entry.name, { recursive: true, encoding: 'utf8' }).map((path) => join(entry.name, path));
});

/** Every page that people read. */
export const PAGES = FILES.filter((path) => path.endsWith('.md'));

export const textOf = (path: string): string => readFileSync(path, 'utf8');

/** What a page says, without its code blocks. */
function proseOf(page: string): string {
  return textOf(page)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/^ {4}.*$/gm, '');
}

/** What stands in backticks in its prose. */
export const quotedIn = (page: string): string[] =>
  [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);

/** Titles as GitHub makes anchors of them. */
function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links of a page to what is not there. */
export function brokenLinksOf(page: string): string[] {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
  });
}

const GUIDE = 'docs/adding-a-capability.md';

/** Paths that a page names and the repository does not have: from its root, or the end of one where it is a file of code. */
export function missingFilesOf(page: string): string[] {
  const folders = new Set(FILES.map((path) => path.split('/')[0] ?? '').filter((name) => !name.includes('.')));
  return quotedIn(page).filter((text) => {
    // The guide's reader makes these; `deploy/click-worker` is kubectl's.
    if (GUIDE === page && /conversion/.test(text)) return false;
    if (!/^[\w.-]+(\/[\w.-]+)*\/?$/.test(text) || /^deploy\/[\w-]+$/.test(text)) return false;
    const [first = ''] = text.split('/');
    if (text.includes('/') && folders.has(first) && first !== text) return !existsSync(text);
    return /\.(m?ts|mjs)$/.test(text) && !FILES.some((path) => path === text || path.endsWith(`/${text}`));
  });
}
