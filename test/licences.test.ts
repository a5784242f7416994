import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** What lets us run it without opening our own source. */
const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'MIT AND BSD-3-Clause',
]);

interface Locked {
  readonly dev?: boolean;
  readonly license?: string;
}
interface Manifest {
  readonly license?: string;
  /** How packages said it before 2014. */
  readonly licenses?: readonly { readonly type: string }[];
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> };
const inProduction = Object.entries(lock.packages).filter(([folder, { dev }]) => folder !== '' && dev !== true);

function licenceOf(folder: string, { license }: Locked): string | undefined {
  if (license !== undefined) return license;
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Manifest;
  return manifest.license ?? manifest.licenses?.map(({ type }) => type).join(' AND ');
}

it('every package that runs in production has a licence that we may use it under', () => {
  const refused = inProduction.flatMap(([folder, locked]) => {
    const licence = licenceOf(folder, locked);
    return licence !== undefined && ALLOWED.has(licence) ? [] : [`${folder}: ${licence ?? 'none'}`];
  });

  expect(inProduction.length).toBeGreaterThan(100);
  expect(refused).toEqual([]);
});
